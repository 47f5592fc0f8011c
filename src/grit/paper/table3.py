"""Table 3: GRIT with and without counting data and the reward for counts."""

from grit.figures.exhibit import Exhibit
from grit.figures.table import Column, Row, Section, Table, best_in_bold
from grit.paper.companions import Shown, acc_tables
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.grouping import Groups, Variant, by_variant, labels, models_of, parts_of
from grit.paper.measures import DIGITS, EACH, HEADINGS, Measures
from grit.paper.notes import DIFFERENCES, INTERVALS, MINIATURE, judged, notes_of
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
    model_title,
)
from grit.runs.repetitions import seeds_label
from grit.runs.shown_metrics import definitions

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
KINDS = {  # row -> data, reward and the paper's numbers
    FULL: (PAPER_DATA, PAPER_REWARD, TABLE3["full"]),
    ABLATED: (WITHOUT_COUNTS, REWARD_WITHOUT_COUNTS, TABLE3["no_count"]),
}


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
        sections = tuple(Section(model_title(m), tuple(_rows(m, groups))) for m in models)
        meaning = (*judged(part.runs), *definitions(part.results))
        common = (*meaning, INTERVALS, DIFFERENCES, POOLED, MINIATURE)
        notes = (*common, *repeated, *notes_of(part.runs, evidence))
        tables.append(Table(part.title, SHOWN.columns, sections, notes))
        shown = Shown(part.title, part, groups, models, SHOWN)
        tables += [*acc_tables(shown), *control_tables(shown._replace(measures=EACH))]
    return Exhibit("table3", "Table 3: counting data and reward", tuple(tables))


def _rows(model: str, groups: Groups) -> list[Row]:
    rows: list[Row] = []
    variants: dict[str, list[Variant]] = {}
    for title, (data, reward, printed) in KINDS.items():
        kind = variants[title] = [v for v in groups if v.model == model and v.data in data]
        # Several of one kind, such as another learning rate, are told apart by what differs.
        named = labels({variant: groups[variant] for variant in kind})
        for variant in kind:
            label = title if len(kind) == 1 else f"{title}: {named[variant]}"
            if variant.reward != reward and "reward=" not in label:
                label += f" (reward={variant.reward})"
            rows.append(Row(seeds_label(label, groups[variant]), SHOWN.of(groups[variant])))
        if not kind:
            rows.append(Row(title, SHOWN.missing()))
        if MODELS.get(model) == INTERNVL:
            rows.append(Row("paper", SHOWN.printed((*printed, None)), paper=True))
    rows = best_in_bold(rows, SHOWN.columns)
    if all(len(kind) == 1 for kind in variants.values()):
        full, fewer = (groups[variants[title][0]] for title in KINDS)
        rows.append(Row("difference", SHOWN.differences(fewer, full)))
    return rows
