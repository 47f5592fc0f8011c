"""Table 1: five methods, models and six test sets, beside the paper's numbers."""

from collections.abc import Sequence

from grit.paper.both_ways import acc_tables
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.exhibit import Exhibit
from grit.paper.grouping import Part, by_variant, labels
from grit.paper.measures import EACH, measures
from grit.paper.notes import INTERVALS, MINIATURE, judged, notes_of
from grit.paper.other_sets import has_papers_sets, other_tables
from grit.paper.own_rows import difference_tables, own_sections
from grit.paper.rows import (
    Groups,
    model_title,
    models_of,
    parts_of,
    seeds_label,
)
from grit.paper.table import Row, Section, Table, best_in_bold, printed
from grit.runs.metrics import definitions
from grit.runs.printed import (
    IN_DOMAIN,
    METHODS,
    MODELS,
    OUT_OF_DOMAIN,
    POOLED,
    SETS,
    TABLE1,
)

TOGETHER = measures(
    [(sets, metric) for sets in (IN_DOMAIN, OUT_OF_DOMAIN) for metric in ("acc", "giou")]
    + [(SETS, "format_rate")],
    {IN_DOMAIN: "in-domain", OUT_OF_DOMAIN: "out-of-domain", SETS: "all sets"},
)


def table1(evidence: Evidence) -> Exhibit:
    """The table; below it sets together, GRIT's differences from the baselines, and controls."""
    tables = []
    for part in parts_of(evidence):
        groups, repeated = by_variant(part.runs)
        models = models_of(groups, evidence)
        meaning = (*judged(part.runs), *definitions(part.results), INTERVALS)
        notes = (*repeated, *notes_of(part.runs, evidence))
        if has_papers_sets(part):
            tables += _papers_sets(part, groups, models, (*meaning, MINIATURE, *notes))
            notes = ()  # once is enough
        tables += other_tables(part, groups, models, (*meaning, *notes))
    return Exhibit("table1", "Table 1: methods, models and test sets", tuple(tables))


def _papers_sets(
    part: Part, groups: Groups, models: Sequence[str], notes: tuple[str, ...]
) -> list[Table]:
    sections = tuple(
        Section(model_title(model), tuple(best_in_bold(_rows(model, groups), EACH.columns)))
        for model in models
    )
    return [
        Table(part.title, EACH.columns, sections, notes, "Method"),
        *acc_tables(f"ACC both ways; {part.title}", part, EACH, groups, models),
        *difference_tables(f"GRIT minus the baselines; {part.title}", EACH, groups, models),
        *_together(part, groups, models),
        *control_tables(part, groups, models),
    ]


def _rows(model: str, groups: Groups) -> list[Row]:
    named = labels(groups)
    rows = []
    own = [v for v in groups if v.model == model]
    others = [v.method for v in own if v.method not in METHODS]
    # Where all that there is was evaluated and not trained here, nobody has asked for the rest.
    asked = own and all(v.checkpoint for v in own) and {v.method for v in own}
    for method in [*METHODS, *dict.fromkeys(others)]:
        if asked and method not in asked:
            continue
        variants = [v for v in own if v.method == method]
        rows += [
            Row(seeds_label(named[variant], groups[variant]), EACH.of(groups[variant]))
            for variant in variants
        ]
        if not variants:
            rows.append(Row(METHODS[method], EACH.missing()))
        rows += _paper_rows(model, method)
    return rows


def _paper_rows(model: str, method: str) -> list[Row]:
    numbers = TABLE1.get((MODELS.get(model, ""), method))
    if numbers is None:
        return []
    cells = [printed(value, one.digits) for value, one in zip(numbers, EACH.columns, strict=True)]
    return [Row("paper", tuple(cells), paper=True)]


def _together(part: Part, groups: Groups, models: Sequence[str]) -> list[Table]:
    """The two domains and the format of all sets, and GRIT's differences in them."""
    sections = own_sections(TOGETHER, groups, models)
    if not sections:
        return []
    title, notes = f"sets together; {part.title}", (*judged(part.runs), INTERVALS, POOLED)
    return [
        Table(f"S{title[1:]}", TOGETHER.columns, sections, notes, "Method"),
        *acc_tables(f"ACC both ways; {title}", part, TOGETHER, groups, models),
        *difference_tables(f"GRIT minus the baselines; {title}", TOGETHER, groups, models),
    ]
