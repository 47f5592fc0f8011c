"""Table 1: five methods, models and six test sets, beside the paper's numbers."""

from grit.figures.exhibit import Exhibit
from grit.figures.table import Row, Table, best_in_bold
from grit.paper.companions import Shown, acc_tables, comparable, difference_tables, own_sections
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.grouping import Groups, labels
from grit.paper.measures import EACH, measures
from grit.paper.notes import INTERVALS, MINIATURE, judged
from grit.paper.other_sets import has_papers_sets, other_tables
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
    for shown, meaning, notes in comparable(evidence, EACH):
        about = (*meaning, INTERVALS)
        if has_papers_sets(shown.part):
            tables += _papers_sets(shown, (*about, MINIATURE, *notes))
            notes = ()  # once is enough
        tables += other_tables(shown, (*about, *notes))
    return Exhibit("table1", "Table 1: methods, models and test sets", tuple(tables))


def _papers_sets(shown: Shown, notes: tuple[str, ...]) -> list[Table]:
    return [
        Table(shown.title, EACH.columns, shown.sections(_rows), notes, "Method"),
        *acc_tables(shown),
        *difference_tables(shown),
        *_together(shown),
        *control_tables(shown),
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
        rows += [EACH.row(named[variant], groups[variant]) for variant in variants]
        if not variants:
            rows.append(EACH.row(METHODS[method], ()))
        if (numbers := TABLE1.get((MODELS.get(model, ""), method))) is not None:
            rows.append(Row("paper", EACH.printed(numbers), paper=True))
    return best_in_bold(rows, EACH.columns)


def _together(shown: Shown) -> list[Table]:
    """The two domains and the format of all sets, and GRIT's differences in them."""
    together = shown._replace(title=f"sets together; {shown.title}", measures=TOGETHER)
    sections = own_sections(together)
    if not sections:
        return []
    title, notes = f"S{together.title[1:]}", (*judged(shown.part.runs), INTERVALS, POOLED)
    return [
        Table(title, TOGETHER.columns, sections, notes, "Method"),
        *acc_tables(together),
        *difference_tables(together),
    ]
