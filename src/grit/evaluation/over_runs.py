"""One number from several runs that differ in their seeds, or in the draw of their triplets."""

from collections.abc import Hashable, Sequence
from math import sqrt
from statistics import fmean, variance
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from grit.evaluation.bootstrap import Estimate, cluster_places

_NORMAL95 = 1.96


class Bounds(NamedTuple):
    """The least and the largest value that a number can have."""

    least: float
    largest: float

    def within(self, value: float) -> float:
        """The value, or the bound that it lies beyond."""
        return min(max(value, self.least), self.largest)


class Source(NamedTuple):
    """What makes a mean uncertain: draws of seeds, or of questions."""

    variance: float  # of the mean, by this alone
    draws: int  # that it was estimated from

    @staticmethod
    def of(draws: Sequence[float]) -> "Source":
        """That of the mean of independent ``draws``, at least two."""
        return Source(variance(draws) / len(draws), len(draws))

    @staticmethod
    def of_clusters(values: Sequence[float], clusters: Sequence[Hashable]) -> "Source":
        """That of the mean of ``values`` that are independent between at least two clusters only.

        The cluster-robust variance: each cluster counts with the sum of its deviations.
        """
        places = cluster_places(clusters)
        count = int(places.max()) + 1
        if count == len(values):
            return Source.of(values)
        deviations = np.bincount(places, weights=np.array(values) - fmean(values))
        return Source(count / (count - 1) * float((deviations**2).sum()) / len(values) ** 2, count)


def by_draw(runs: np.ndarray, draws: Sequence[Hashable] | None) -> np.ndarray:
    """The independent units of runs [runs, ...]: means over each draw [draws, ...], or the runs.

    Seeds are nested in draws of the training triplets: runs on the same triplets have these in
    common. Of several draws, the means differ by the draws and by the seeds within them, so that
    their spread has both. Of one draw the runs are independent, as far as anyone can say.

    Args:
        runs: numbers of each run.
        draws: the triplets of each run; None: all have the same.
    """
    if draws is None or len(set(draws)) < 2:
        return runs
    of_run = cluster_places(draws)
    return np.stack([runs[of_run == draw].mean(axis=0) for draw in range(of_run.max() + 1)])


def over_runs(
    runs: Sequence[Estimate], bounds: Bounds, draws: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean of the runs' means with a 95% t-interval, ``n`` runs.

    Its variance is that between seeds (the spread of the means) plus that of the shared questions
    (from the runs' own intervals): as wide as one run's where seeds change nothing. Lower and upper
    side are computed apart, because intervals near a bound are asymmetric, and are clipped to
    ``bounds``, beyond which no mean lies. A single run keeps its interval. Runs without a mean do
    not count.

    Of several draws of the triplets it is the mean of the draws' means, whose spread takes the
    place of that of the runs (see ``by_draw``).
    """
    draw_of_run: Sequence[Hashable] = [None] * len(runs) if draws is None else draws
    known = [
        (run, run.mean, draw)
        for run, draw in zip(runs, draw_of_run, strict=True)
        if run.mean is not None
    ]
    if not known:
        return Estimate(None, None, None, 0)
    if len(known) == 1:
        return known[0][0]
    means = by_draw(np.array([mean for _, mean, _ in known]), [draw for *_, draw in known]).tolist()
    mean, seeds = fmean(means), Source.of(means)
    lower_sides = [(m - run.low, run.n) for run, m, _ in known if run.low is not None]
    upper_sides = [(run.high - m, run.n) for run, m, _ in known if run.high is not None]
    below = _reach([seeds, *_questions(lower_sides)])
    above = _reach([seeds, *_questions(upper_sides)])
    return Estimate(mean, bounds.within(mean - below), bounds.within(mean + above), len(known))


def t_interval(mean: float, sources: Sequence[Source], n: int, bounds: Bounds) -> Estimate:
    """The mean with its 95% interval by independent sources together, as far as the bounds go."""
    half = _reach(sources)
    return Estimate(mean, bounds.within(mean - half), bounds.within(mean + half), n)


def t_test(mean: float, sources: Sequence[Source]) -> float:
    """The two-sided p-value of a mean that is 0 in truth, by the t that ``t_interval`` uses."""
    total = sum(source.variance for source in sources)
    if not total:
        return float(mean == 0)
    return float(2 * stdtr(_degrees(sources), -abs(mean) / sqrt(total)))


def _degrees(sources: Sequence[Source]) -> int:
    """Degrees of freedom by Welch and Satterthwaite: those of the source that matters most."""
    total = sum(source.variance for source in sources)
    spread = sum(source.variance**2 / max(1, source.draws - 1) for source in sources)
    return max(1, int(total**2 / spread)) if spread else 1


def _questions(sides: Sequence[tuple[float, int]]) -> list[Source]:
    """The uncertainty of the questions, by one side of the runs' own intervals and their rows."""
    if not sides:
        return []
    variances = [(side / _NORMAL95) ** 2 for side, _ in sides]
    return [Source(fmean(variances), min(rows for _, rows in sides))]


def _reach(sources: Sequence[Source]) -> float:
    """The half-width of a 95% t-interval; variances of the ``sources`` add up."""
    total = sum(source.variance for source in sources)
    return t95(_degrees(sources)) * sqrt(total)


def t95(degrees: int) -> float:
    """The two-sided 95% quantile of Student's t."""
    return float(stdtrit(degrees, 0.975))
