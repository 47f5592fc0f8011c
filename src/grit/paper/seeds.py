"""One number from several runs that differ in their seed."""

from collections.abc import Iterable, Sequence
from math import hypot

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs
from grit.figures.table import Mean
from grit.runs.results import Results


def mean_over_runs(estimates: Iterable[Estimate | None], bounds: Bounds) -> Mean | None:
    """The mean over runs with its interval, within what it can be; of one run, its own."""
    known = [run for run in estimates if run is not None and run.mean is not None]
    overall = over_runs(known, bounds)
    if overall.mean is None:
        return None
    low, high = (None if end is None else bounds.within(end) for end in (overall.low, overall.high))
    return Mean(bounds.within(overall.mean), low, high, len(known))


def pooled(results: Results, sets: Sequence[str], metric: str) -> Estimate | None:
    """A run's mean over the rows of several sets together; None if one of them is not there.

    The interval adds up those of the sets, which have no question in common, each side by itself:
    of one set it is the set's own, and it never reaches beyond what the metric can be.
    """
    if any(name not in results.sets for name in sets):
        return None
    parts = [results.sets[name].metrics[metric] for name in sets]
    parts = [part for part in parts if part.n]  # a set without boxes has no rows for GIoU
    rows = sum(part.n for part in parts)
    if not rows:
        return None
    mean = sum(part.n * _known(part.mean) for part in parts) / rows
    below = hypot(*(part.n / rows * (_known(part.mean) - _known(part.low)) for part in parts))
    above = hypot(*(part.n / rows * (_known(part.high) - _known(part.mean)) for part in parts))
    return Estimate(mean, mean - below, mean + above, rows)


def _known(value: float | None) -> float:
    assert value is not None  # a metric over at least one row
    return value
