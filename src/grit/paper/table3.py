"""Table 3: GRIT with and without counting data and the reward for counts."""

from grit.paper.both_ways import acc_tables
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.exhibit import Exhibit
from grit.paper.grouping import Variant, by_variant, labels
from grit.paper.measures import Measures
from grit.paper.notes import INTERVALS, MINIATURE, judged, notes_of
from grit.paper.rows import (
    DIFFERENCES,
    DIGITS,
    HEADINGS,
    Groups,
    model_title,
    models_of,
    parts_of,
    seeds_label,
)
from grit.paper.table import Column, Row, Section, Table, best_in_bold, printed
from grit.runs.metrics import definitions
from grit.runs.printed import (
    IN_DOMAIN,
    INTERNVL,
    MODELS,
    OUT_OF_DOMAIN,
    PAPER_DATA,
    PAPER_REWARD,
    POOLED,
    REWARD_WITHOUT_COUNTS,
    TABLE3,
    TALLYQA,
    WITHOUT_COUNTS,
)

COUNTING = (TALLYQA,)  # which the paper does not print apart
PLACES = {IN_DOMAIN: "in-domain", OUT_OF_DOMAIN: "out-of-domain", COUNTING: TALLYQA.title}
NUMBERS = (
    *((sets, metric) for metric in ("giou", "acc") for sets in (IN_DOMAIN, OUT_OF_DOMAIN)),
    (COUNTING, "giou"),
)
SHOWN = Measures(  # as in the paper, the metric stands over the domains
    tuple(Column(HEADINGS[metric], PLACES[sets], DIGITS[metric]) for sets, metric in NUMBERS),
    NUMBERS,
)
FULL, ABLATED = "GRIT", "without counting data and reward"


def table3(evidence: Evidence) -> Exhibit:
    """The two rows of each model, the paper's, and the paired difference."""
    tables = []
    for part in parts_of(evidence):
        groups, repeated = by_variant(
            run
            for run in part.runs
            if run.results.method == "grit"
            and run.results.data in (*PAPER_DATA, *WITHOUT_COUNTS)
            and run.results.checkpoint is None
        )
        models = models_of(groups, evidence)
        sections = tuple(Section(model_title(one), tuple(_rows(one, groups))) for one in models)
        meaning = (*judged(part.runs), *definitions(part.results))
        common = (*meaning, INTERVALS, DIFFERENCES, POOLED, MINIATURE)
        notes = (*common, *repeated, *notes_of(part.runs, evidence))
        tables.append(Table(part.title, SHOWN.columns, sections, notes))
        tables += acc_tables(f"ACC both ways; {part.title}", part, SHOWN, groups, models)
        tables += control_tables(part, groups, models)
    return Exhibit("table3", "Table 3: counting data and reward", tuple(tables))


def _rows(model: str, groups: Groups) -> list[Row]:
    rows: list[Row] = []
    found: dict[str, list[Variant]] = {}
    for title, data, reward in (
        (FULL, PAPER_DATA, PAPER_REWARD),
        (ABLATED, WITHOUT_COUNTS, REWARD_WITHOUT_COUNTS),
    ):
        found[title] = [v for v in groups if v.model == model and v.data in data]
        # Several of one kind, such as another learning rate, are told apart by what differs.
        named = labels({variant: groups[variant] for variant in found[title]})
        for variant in found[title]:
            label = title if [variant] == found[title] else f"{title}: {named[variant]}"
            if variant.reward != reward and "reward=" not in label:
                label += f" (reward={variant.reward})"
            runs = groups[variant]
            rows.append(Row(seeds_label(label, runs), SHOWN.of(runs)))
        if not found[title]:
            rows.append(Row(title, SHOWN.missing()))
        if MODELS.get(model) == INTERNVL:
            printed_row = *TABLE3["full" if title == FULL else "no_count"], None
            cells = [printed(n, c.digits) for n, c in zip(printed_row, SHOWN.columns, strict=True)]
            rows.append(Row("paper", tuple(cells), paper=True))
    rows = best_in_bold(rows, SHOWN.columns)
    if len(found[FULL]) == len(found[ABLATED]) == 1:
        runs, fewer = groups[found[FULL][0]], groups[found[ABLATED][0]]
        rows.append(Row("difference", SHOWN.differences(fewer, runs)))
    return rows
