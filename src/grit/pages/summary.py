"""The tables of a report as plain values: results with their intervals, and the controls."""

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.controls import CONSTANT, Controls
from grit.evaluation.paired import difference
from grit.runs.results import Results, SetResult
from grit.runs.shown_metrics import Metric, shown_metrics

if TYPE_CHECKING:
    from grit.runs.measured import Measured  # imports transformers

_NAMED = 5  # answers of a histogram


class Tile(NamedTuple):
    """A metric's mean over the sets that have it, all sets alike."""

    metric: Metric
    sets: int
    before: float | None
    after: float


class Reference(NamedTuple):
    """What a metric would be without looking, marked on its scale."""

    name: str
    value: float


class Cell(NamedTuple):
    """One metric of one set; means and intervals in the metric's unit, None where not measured."""

    metric: Metric
    before: Estimate | None
    after: Estimate | None
    change: Estimate | None  # of the same questions
    references: tuple[Reference, ...]

    @property
    def trend(self) -> str:
        """``up`` or ``down`` where the change's interval excludes 0, else ``even``."""
        if self.change is None or self.change.low is None or self.change.high is None:
            return "even"
        return "up" if self.change.low > 0 else "down" if self.change.high < 0 else "even"


class Line(NamedTuple):
    """One set's row of the table of results."""

    name: str
    n: int
    cells: tuple[Cell, ...]


class Bar(NamedTuple):
    """An answer of a histogram, or all others together; shares of the set's rows, 0 to 1."""

    answer: str | None
    share: float
    true_share: float | None  # how often it is the true answer; None for the others


class ControlLine(NamedTuple):
    """One set's row of the table of controls."""

    name: str
    before: Controls | None
    after: Controls

    @property
    def bars_before(self) -> list[Bar]:
        """The answers before training."""
        return [] if self.before is None else _bars(self.before)

    @property
    def bars_after(self) -> list[Bar]:
        """The answers of the evaluation that counts."""
        return _bars(self.after)

    @property
    def constant(self) -> bool:
        """Whether the model gives nearly one answer only."""
        return self.after.top_share >= CONSTANT


def headline(before: Results | None, after: Results) -> list[Tile]:
    """The run in a few numbers; with ``before``, over the sets that both have."""
    tiles = []
    for metric in shown_metrics([run for run in (before, after) if run]):
        now = means_of(after, metric)
        was = now if before is None else means_of(before, metric)
        both = [name for name in now if name in was]
        if both:
            old = None if before is None else fmean(was[name] for name in both)
            tiles.append(Tile(metric, len(both), old, fmean(now[name] for name in both)))
    return tiles


def result_lines(
    before: "Measured | None", after: "Measured", controls: Mapping[str, Controls]
) -> list[Line]:
    """The table of results, sets in the order of ``before``."""
    old = {} if before is None else before.results.sets
    new = after.results.sets
    metrics = shown_metrics([each.results for each in (before, after) if each])

    def cell(name: str, metric: Metric) -> Cell:
        change = None
        if before is not None and name in before.rows and name in after.rows:
            change = _known(difference(before.rows[name], after.rows[name], metric.key))
        was, now = (estimate_of(sets.get(name), metric) for sets in (old, new))
        return Cell(metric, was, now, change, _references(metric, controls.get(name)))

    return [
        Line(name, result.n, tuple(cell(name, metric) for metric in metrics))
        for name, result in {**old, **new}.items()
    ]


def _references(metric: Metric, controls: Controls | None) -> tuple[Reference, ...]:
    if controls is None:
        return ()
    candidates = {f"always “{controls.majority_answer}”": controls.majority_acc}
    if metric.key == "giou":
        candidates = {
            "central box": controls.central_box_giou,
            "own boxes, shuffled": controls.shuffled_giou,
        }
    elif metric.key not in ("acc", "acc_binary"):
        return ()
    return tuple(Reference(name, value) for name, value in candidates.items() if value is not None)


def _bars(controls: Controls) -> list[Bar]:
    """The most common answers; those given once say nothing by themselves."""
    named = [answer for answer in controls.answers[:_NAMED] if answer.given > 1]
    bars = [Bar(a.answer, a.given / controls.n, a.true / controls.n) for a in named]
    others = controls.n - sum(answer.given for answer in named)
    if others:
        kinds = controls.kinds - len(named)
        bars.append(Bar(f"{kinds} other{'s' if kinds > 1 else ''}", others / controls.n, None))
    return bars


def means_of(results: Results, metric: Metric) -> dict[str, float]:
    """A metric's means over the sets that have one."""
    means = {name: result.metrics[metric.key].mean for name, result in results.sets.items()}
    return {name: mean for name, mean in means.items() if mean is not None}


def estimate_of(result: SetResult | None, metric: Metric) -> Estimate | None:
    """A metric of one set; None where it has no number."""
    return None if result is None else _known(result.metrics.get(metric.key))


def _known(estimate: Estimate | None) -> Estimate | None:
    return None if estimate is None or estimate.mean is None else estimate


def duration(seconds: float) -> str:
    """A time in its two largest units.

    >>> [duration(seconds) for seconds in (3.2, 74, 7260, 200_000)]
    ['3 s', '1 min 14 s', '2 h 1 min', '2 d 7 h']
    """
    left = max(0, round(seconds))
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        parts.append((count, unit))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count or len(parts) == 1)
