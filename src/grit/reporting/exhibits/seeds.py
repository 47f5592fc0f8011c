"""One number from several runs that differ in their seed."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.reporting.results import Results

# Student's t, two-sided 95%, for 1 to 30 degrees of freedom (any statistics table).
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


class Mean(NamedTuple):
    """A mean and its 95% interval: over runs where there are several, else over questions."""

    mean: float
    low: float | None
    high: float | None
    runs: int  # 0: a number of the paper


def over_runs(estimates: Iterable[Estimate | None]) -> Mean | None:
    """The mean over runs with its t-interval; of one run, its own interval over questions."""
    known = [one for one in estimates if one is not None and one.mean is not None]
    means = [one.mean for one in known if one.mean is not None]
    if not known:
        return None
    if len(known) == 1:
        return Mean(means[0], known[0].low, known[0].high, 1)
    half = t95(len(means) - 1) * stdev(means) / sqrt(len(means))
    return Mean(fmean(means), fmean(means) - half, fmean(means) + half, len(means))


def t95(degrees: int) -> float:
    """The two-sided 95% quantile of Student's t; exact to 0.002 above 30 degrees of freedom."""
    return _T95[degrees - 1] if degrees <= len(_T95) else 1.96 + 2.4 / degrees


def pooled(results: Results, sets: Sequence[str], metric: str) -> Estimate | None:
    """A run's mean over the rows of several sets together; None if one of them is not there.

    The interval adds up those of the sets, which have no question in common.
    """
    if any(name not in results.sets for name in sets):
        return None
    parts = [results.sets[name].metrics[metric] for name in sets]
    parts = [part for part in parts if part.n]  # a set without boxes has no rows for GIoU
    rows = sum(part.n for part in parts)
    if not rows:
        return None
    mean = sum(part.n * _known(part.mean) for part in parts) / rows
    halves = [(_known(part.high) - _known(part.low)) / 2 * part.n / rows for part in parts]
    half = sqrt(sum(each * each for each in halves))
    return Estimate(mean, mean - half, mean + half, rows)


def _known(value: float | None) -> float:
    assert value is not None  # a metric over at least one row
    return value
