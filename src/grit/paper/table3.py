"""Table 3: GRIT with and without counting data and the reward for counts."""

from collections.abc import Iterator

from grit.figures.exhibit import Exhibit
from grit.figures.table import Column, Row, Table, best_in_bold
from grit.paper.companions import Shown, acc_tables, comparable
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.grouping import Groups, Variant, labels
from grit.paper.measures import DIGITS, EACH, HEADINGS, Measures
from grit.paper.notes import DIFFERENCES, INTERVALS, MINIATURE
from grit.runs.printed import (
    IN_DOMAIN,
    INTERNVL,
    MODELS,
    OUT_OF_DOMAIN,
    PAPER_DATA,
    PAPER_OBJECTIVE,
    PAPER_REWARD,
    POOLED,
    REWARD_WITHOUT_COUNTS,
    TABLE3,
    TALLYQA,
    WITHOUT_COUNTS,
    model_title,
)
from grit.runs.results import Results

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
    for shown, meaning, notes in comparable(evidence, SHOWN, _is_ablation):
        told = (*_undifferenced(shown), *notes)
        about = (*meaning, INTERVALS, DIFFERENCES, POOLED, MINIATURE, *told)
        tables.append(Table(shown.title, SHOWN.columns, shown.sections(_rows), about))
        tables += [*acc_tables(shown), *control_tables(shown._replace(measures=EACH))]
    return Exhibit("table3", "Table 3: counting data and reward", tuple(tables))


def _is_ablation(run: Results) -> bool:
    data = (*PAPER_DATA, *WITHOUT_COUNTS)
    is_papers = run.method == "grit" and run.objective in (PAPER_OBJECTIVE, None)
    return is_papers and run.data in data and run.checkpoint is None


def _compared(model: str, groups: Groups) -> dict[str, list[Variant]]:
    """The variants of each row with its own reward: there has to be one of each to compare."""
    own = [variant for variant in groups if variant.model == model]
    return {
        title: [v for v in own if v.data in data and v.reward == reward]
        for title, (data, reward, _) in KINDS.items()
    }


def _undifferenced(shown: Shown) -> Iterator[str]:
    """Why a model has no difference, where runs of both kinds are there."""
    for model in shown.models:
        for title, variants in _compared(model, shown.groups).items():
            if len(variants) > 1:
                yield (
                    f"{model_title(model)}: no difference, because {len(variants)} rows are "
                    f"“{title}” of other settings or code: name the runs of one by runs="
                )


def _rows(model: str, groups: Groups) -> list[Row]:
    rows: list[Row] = []
    for title, (data, reward, printed) in KINDS.items():
        kind = [v for v in groups if v.model == model and v.data in data]
        # Several of one kind, such as another learning rate, are told apart by what differs.
        named = labels({variant: groups[variant] for variant in kind})
        for variant in kind:
            label = title if len(kind) == 1 else f"{title}: {named[variant]}"
            if variant.reward != reward and "reward=" not in label:
                label += f" (reward={variant.reward})"
            rows.append(SHOWN.row(label, groups[variant]))
        if not kind:
            rows.append(SHOWN.row(title, ()))
        if MODELS.get(model) == INTERNVL:
            rows.append(Row("paper", SHOWN.printed((*printed, None)), paper=True))
    rows = best_in_bold(rows, SHOWN.columns)
    compared = [*_compared(model, groups).values()]
    if all(len(variants) == 1 for variants in compared):
        full, fewer = (groups[variants[0]] for variants in compared)
        rows.append(Row("difference", SHOWN.differences(fewer, full)))
    return rows
