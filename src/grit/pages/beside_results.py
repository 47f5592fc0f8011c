"""The small table below the results: answers with their boxes, names of boxes, sampled answers."""

from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.pages.summary import estimate_of
from grit.runs.results import Results, SetResult
from grit.runs.shown_metrics import Metric, metrics_beside

_RIGHT = ("right_with_right_boxes", "right_without")


class Moved(NamedTuple):
    """One number of one set before and after; None where it is not known."""

    before: Estimate | None
    after: Estimate | None


class BesideLine(NamedTuple):
    """One set's row."""

    name: str
    cells: tuple[Moved, ...]
    grounded_before: float | None  # share of right answers that stand on right boxes, 0 to 1
    grounded_after: float | None


class BesideTable(NamedTuple):
    """The table; sets and metrics without any number are left out."""

    metrics: tuple[Metric, ...]
    lines: tuple[BesideLine, ...]


def beside_table(before: Results | None, after: Results) -> BesideTable:
    """The numbers beside the main ones, sets in the order of ``before``."""
    old = {} if before is None else before.sets
    metrics = metrics_beside([run for run in (before, after) if run])
    lines = []
    for name in {**old, **after.sets}:
        was, now = old.get(name), after.sets.get(name)
        cells = tuple(Moved(estimate_of(was, each), estimate_of(now, each)) for each in metrics)
        if any(cell.before or cell.after for cell in cells):
            lines.append(BesideLine(name, cells, _grounded(was), _grounded(now)))
    return BesideTable(metrics, tuple(lines))


def _grounded(result: SetResult | None) -> float | None:
    if result is None:
        return None
    with_boxes, without = (result.metrics[key].mean for key in _RIGHT)
    if with_boxes is None or without is None or with_boxes + without == 0:
        return None
    return with_boxes / (with_boxes + without)
