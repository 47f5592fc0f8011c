"""One number from several runs that differ in their seeds."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, stdev

from grit.evaluation.bootstrap import Estimate

# Student's t at 0.975 for 1, 2, ... degrees of freedom; beyond, the normal distribution is near.
_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
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
    freedom = len(means) - 1
    t = _T[freedom - 1] if freedom <= len(_T) else NormalDist().inv_cdf(0.975)
    half = t * stdev(means) / sqrt(len(means))
    return Estimate(fmean(means), fmean(means) - half, fmean(means) + half, len(means))
