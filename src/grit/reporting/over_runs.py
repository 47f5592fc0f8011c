"""One number from several runs that differ in their seeds."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from grit.evaluation.bootstrap import Estimate

# Student's t, two-sided 95%, for 1 to 30 degrees of freedom (any statistics table).
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def over_runs(runs: Sequence[Estimate]) -> Estimate:
    """The mean of the runs' means with a 95% t-interval over them, ``n`` runs.

    A single run keeps its own interval, which is over its rows. Runs without a mean do not count.
    """
    known = [(run, run.mean) for run in runs if run.mean is not None]
    if len(known) == 1:
        return known[0][0]
    if not known:
        return Estimate(None, None, None, 0)
    means = [mean for _, mean in known]
    half = t95(len(means) - 1) * stdev(means) / sqrt(len(means))
    return Estimate(fmean(means), fmean(means) - half, fmean(means) + half, len(means))


def t95(degrees: int) -> float:
    """The two-sided 95% quantile of Student's t; exact to 0.002 above 30 degrees of freedom."""
    return _T95[degrees - 1] if degrees <= len(_T95) else 1.96 + 2.4 / degrees
