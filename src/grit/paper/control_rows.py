"""The controls beside tables: what a model would get without looking, how often it looked."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean

from grit.evaluation.controls import Controls, clipped
from grit.figures.table import NOTHING, Cell, Mean, Row, Section, Table
from grit.paper.companions import Shown
from grit.paper.evidence import Run
from grit.paper.grouping import labels
from grit.paper.measures import BOUNDS, DIGITS, Measures, measured, name_in
from grit.paper.notes import judged
from grit.runs.printed import TestSet, model_title

CONTROLS = (
    "First row: ACC of always giving a set's most common true answer, GIoU of one box over the "
    "middle half of every image. Then for each method the answer that it gives most often, and the "
    "GIoU of its own boxes shuffled over the images; and of its right answers the share whose "
    "boxes have a GIoU of 0.5 or more, in percent. Means over seeds."
)
_ANSWER = 12  # characters
_Value = Callable[[Controls], float | None]


def control_tables(shown: Shown) -> list[Table]:
    """The controls of every row of a table; none where there are no predictions.

    Each column is ACC or GIoU of one set.
    """
    named = labels(shown.groups)
    sections = []
    for model in shown.models:
        runs = shown.runs(model)
        if any(run.controls for run in runs):
            rows = [_blind_row(runs, shown.measures)]
            for variant in shown.variants(model):
                rows += _control_rows(named[variant], shown.groups[variant], shown.measures)
            sections.append(Section(model_title(model), tuple(rows)))
    if not sections:
        return []
    notes = (*judged(shown.part.runs), CONTROLS)
    columns = shown.measures.columns
    return [Table(f"Controls; {shown.title}", columns, tuple(sections), notes, aside=True)]


def _blind_row(runs: Sequence[Run], shown: Measures) -> Row:
    """What needs no model: the same for all runs that were asked the same questions."""
    values: dict[str, _Value] = {
        "acc": lambda controls: controls.majority_acc,
        "giou": lambda controls: controls.central_box_giou,
    }
    cells = (_mean(runs, sets[0], values[metric], metric) for sets, metric in shown.numbers)
    return Row("majority answer; central box", tuple(cells))


def _control_rows(label: str, runs: Sequence[Run], shown: Measures) -> list[Row]:
    """The two rows of a method's runs, which differ in their seeds."""
    habits, grounded = [], []
    for (test_set, *_), metric in shown.numbers:
        if metric == "acc":
            habits.append(_most_common(runs, test_set))
            grounded.append(_mean(runs, test_set, _grounded_percent, metric))
        else:
            habits.append(_mean(runs, test_set, lambda controls: controls.shuffled_giou, metric))
            grounded.append(Cell(NOTHING))
    return [
        Row(f"{label}: most common answer; boxes shuffled", tuple(habits)),
        Row(f"{label}: right answers with right boxes, %", tuple(grounded)),
    ]


def _grounded_percent(controls: Controls) -> float | None:
    return None if controls.grounded_correct is None else 100 * controls.grounded_correct


def _of(runs: Sequence[Run], test_set: TestSet) -> list[Controls]:
    named = [(run, name_in(run, test_set)) for run in runs]
    return [run.controls[name] for run, name in named if name is not None and name in run.controls]


def _mean(runs: Sequence[Run], test_set: TestSet, value: _Value, metric: str) -> Cell:
    values = [v for controls in _of(runs, test_set) if (v := value(controls)) is not None]
    mean = Mean(fmean(values), None, None, len(values)) if values else None
    return measured(mean, DIGITS[metric], BOUNDS[metric])


def _most_common(runs: Sequence[Run], test_set: TestSet) -> Cell:
    given: Counter[str | None] = Counter()
    rows = 0
    for controls in _of(runs, test_set):
        rows += controls.n
        for said, count, _ in controls.answers:
            given[said] += count
    if not given:
        return Cell(NOTHING)
    answer, count = max(given.items(), key=lambda item: (item[1], item[0] or ""))
    return Cell(f"{clipped(answer, _ANSWER)} {100 * count / rows:.0f}%")
