"""Table 1: five methods, models and six test sets, beside the paper's numbers."""

from collections.abc import Sequence
from itertools import chain

from grit.reporting.exhibits.control_rows import control_tables, place
from grit.reporting.exhibits.evidence import Evidence
from grit.reporting.exhibits.exhibit import Exhibit
from grit.reporting.exhibits.grouping import Part, by_variant, labels
from grit.reporting.exhibits.measures import EACH, Measures, measures
from grit.reporting.exhibits.notes import INTERVALS, MINIATURE, judged, notes_of
from grit.reporting.exhibits.paper import (
    IN_DOMAIN,
    METHODS,
    MODELS,
    OUT_OF_DOMAIN,
    POOLED,
    SETS,
    TABLE1,
)
from grit.reporting.exhibits.rows import (
    DIFFERENCES,
    Groups,
    model_title,
    models_of,
    parts_of,
    seeds_label,
)
from grit.reporting.exhibits.table import Row, Section, Table, best_in_bold, printed

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
        sections = [
            Section(model_title(model), tuple(best_in_bold(_rows(model, groups), EACH.columns)))
            for model in models
        ]
        common = (*judged(part.runs), INTERVALS, MINIATURE)
        notes = (*common, *repeated, *notes_of(part.runs, evidence))
        tables.append(Table(part.title, EACH.columns, tuple(sections), notes, "Method"))
        tables += _differences(f"GRIT minus the baselines; {part.title}", EACH, groups, models)
        tables += _together(part, groups, models)
        tables += control_tables(part, groups, models)
    return Exhibit("table1", "Table 1: methods, models and test sets", tuple(tables))


def _rows(model: str, groups: Groups) -> list[Row]:
    named = labels(list(groups))
    rows = []
    others = [v.method for v in groups if v.model == model and v.method not in METHODS]
    for method in [*METHODS, *dict.fromkeys(others)]:
        variants = [v for v in groups if (v.model, v.method) == (model, method)]
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
    named = labels(list(groups))
    sections = []
    for model in models:
        own = sorted((v for v in groups if v.model == model), key=place)
        rows = [
            Row(seeds_label(named[each], groups[each]), TOGETHER.of(groups[each])) for each in own
        ]
        if any(cell.mean is not None for row in rows for cell in row.cells):
            shown = tuple(best_in_bold(rows, TOGETHER.columns))
            sections.append(Section(model_title(model), shown))
    if not sections:
        return []
    columns, title = TOGETHER.columns, f"Sets together; {part.title}"
    results = Table(
        title, columns, tuple(sections), (*judged(part.runs), INTERVALS, POOLED), "Method"
    )
    title = f"GRIT minus the baselines; sets together; {part.title}"
    return [results, *_differences(title, TOGETHER, groups, models)]


def _differences(title: str, shown: Measures, groups: Groups, models: Sequence[str]) -> list[Table]:
    """GRIT minus each baseline, question by question; nothing where there are no predictions."""
    named = labels(list(groups))
    sections = []
    for model in models:
        ours = [v for v in groups if (v.model, v.method) == (model, "grit")]
        others = (v for v in groups if v.model == model and v.method != "grit")
        baselines = sorted(others, key=place)
        rows = [
            Row(f"{named[our]} − {named[base]}", shown.differences(groups[base], groups[our]))
            for our in ours
            for base in baselines
        ]
        rows = [row for row in rows if any(cell.mean is not None for cell in row.cells)]
        if rows:
            sections.append(Section(model_title(model), tuple(rows)))
    notes = (*judged(chain.from_iterable(groups.values())), DIFFERENCES)
    return [Table(title, shown.columns, tuple(sections), notes)] if sections else []
