"""The tables of a report as plain values: results with their intervals, and the controls."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.controls import CONSTANT, Controls
from grit.evaluation.paired import difference
from grit.evaluation.predictions import ScoredPrediction
from grit.runs.results import Results
from grit.runs.shown_metrics import Metric, shown_metrics

Rows = Mapping[str, Sequence[ScoredPrediction]]  # by set


_NAMED = 5  # answers of a histogram


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


class Tile(NamedTuple):
    """A metric's mean over the sets that have it, all sets alike."""

    metric: Metric
    sets: int
    before: float | None
    after: float


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
    bars_before: tuple[Bar, ...]
    bars_after: tuple[Bar, ...]

    @property
    def constant(self) -> bool:
        """Whether the model gives nearly one answer only."""
        return self.after.top_share >= CONSTANT


def headline(before: Results | None, after: Results) -> list[Tile]:
    """The run in a few numbers; with ``before``, over the sets that both have."""
    tiles = []
    for metric in shown_metrics(_known_runs(before, after)):
        pairs = [
            (None if before is None else _mean(before, name, metric.key), now)
            for name in after.sets
            if (now := _mean(after, name, metric.key)) is not None
        ]
        if before is not None:
            pairs = [(was, now) for was, now in pairs if was is not None]
        if pairs:
            old = None if before is None else fmean(was for was, _ in pairs if was is not None)
            tiles.append(Tile(metric, len(pairs), old, fmean(now for _, now in pairs)))
    return tiles


def result_lines(
    before: Results | None,
    after: Results,
    rows_before: Rows,
    rows_after: Rows,
    controls: Mapping[str, Controls],
) -> list[Line]:
    """The table of results, sets in the order of ``before``."""
    names = dict.fromkeys([*(before.sets if before else ()), *after.sets])
    metrics = shown_metrics(_known_runs(before, after))
    lines = []
    for name in names:
        old, new = (before.sets.get(name) if before else None), after.sets.get(name)
        cells = []
        for metric in metrics:
            change = None
            if name in rows_before and name in rows_after:
                change = _known(difference(rows_before[name], rows_after[name], metric.key))
            cells.append(
                Cell(
                    metric,
                    _known(old.metrics[metric.key]) if old else None,
                    _known(new.metrics[metric.key]) if new else None,
                    change,
                    _references(metric, controls.get(name)),
                )
            )
        n = next(found.n for found in (new, old) if found is not None)
        lines.append(Line(name, n, tuple(cells)))
    return lines


def control_lines(
    before: Mapping[str, Controls], after: Mapping[str, Controls]
) -> list[ControlLine]:
    """The table of controls."""
    return [
        ControlLine(
            name,
            before.get(name),
            found,
            _bars(before[name]) if name in before else (),
            _bars(found),
        )
        for name, found in after.items()
    ]


def _references(metric: Metric, found: Controls | None) -> tuple[Reference, ...]:
    if found is None:
        return ()
    majority = [(f"always “{found.majority_answer}”", found.majority_acc)]
    candidates = {
        "acc": majority,
        "acc_binary": majority,
        "giou": [
            ("central box", found.central_box_giou),
            ("own boxes, shuffled", found.shuffled_giou),
        ],
    }.get(metric.key, [])
    return tuple(Reference(name, value) for name, value in candidates if value is not None)


def _bars(found: Controls) -> tuple[Bar, ...]:
    """The most common answers; those given once say nothing by themselves."""
    named = [one for one in found.answers[:_NAMED] if one.given > 1]
    bars = [Bar(one.answer, one.given / found.n, one.true / found.n) for one in named]
    others = found.n - sum(one.given for one in named)
    if others:
        kinds = found.kinds - len(named)
        bars.append(Bar(f"{kinds} other{'s' if kinds > 1 else ''}", others / found.n, None))
    return tuple(bars)


def _mean(results: Results, name: str, key: str) -> float | None:
    return results.sets[name].metrics[key].mean if name in results.sets else None


def _known_runs(before: Results | None, after: Results) -> list[Results]:
    return [after] if before is None else [before, after]


def _known(found: Estimate) -> Estimate | None:
    return None if found.mean is None else found


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
