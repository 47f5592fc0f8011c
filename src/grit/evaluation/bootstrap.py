"""A mean with its 95% bootstrap interval, over questions or over pictures that have several."""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES = 2000
_SEED = 20
_AT_ONCE = 4_000_000  # drawn indices alive at a time: 32 MB


class Estimate(NamedTuple):
    """A mean over ``n`` rows and its 95% interval; all None where there is no row."""

    mean: float | None
    low: float | None
    high: float | None
    n: int


def estimate(values: np.ndarray, clusters: Sequence[Hashable] | None = None) -> Estimate:
    """The mean of ``values`` [n] and its percentile bootstrap interval, 2000 resamples.

    The seed is fixed: equal values in equal order give equal numbers.

    Args:
        values: of questions.
        clusters: the picture of each; values of one picture are drawn together (the cluster
            bootstrap), because they are not independent. None: each value by itself.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Estimate(None, None, None, 0)
    places = np.arange(n) if clusters is None else cluster_places(clusters)
    sums, counts = np.bincount(places, weights=values), np.bincount(places)  # of each cluster
    means = [
        sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
        for drawn in _drawn(len(sums), _RESAMPLES, np.random.default_rng(_SEED))
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), n)


def estimate_known(
    values: Sequence[float | None] | np.ndarray, clusters: Sequence[Hashable]
) -> Estimate:
    """The estimate of those ``values`` that are there; None or nan: there is none."""
    every = np.array(values, dtype=np.float64)
    there = np.flatnonzero(~np.isnan(every)).tolist()
    return estimate(every[there], [clusters[at] for at in there])


def mean_known(values: np.ndarray) -> float | None:
    """The mean of those ``values`` that are there, not nan; None where none is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None


def cluster_places(clusters: Sequence[Hashable]) -> np.ndarray:
    """The number of each value's cluster [n], counted from 0 in order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=int)


def _drawn(n: int, resamples: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Places 0 to ``n`` - 1 drawn with replacement [rows, n], ``resamples`` rows in all.

    A part of the rows at a time, in bounded memory.
    """
    rows = max(1, _AT_ONCE // n)
    for first in range(0, resamples, rows):
        yield random.integers(n, size=(min(rows, resamples - first), n))
