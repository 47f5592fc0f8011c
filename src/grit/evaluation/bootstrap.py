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
    random = np.random.default_rng(_SEED)
    places = None if clusters is None else cluster_places(clusters)
    if places is None or places.max() == n - 1:  # every value is a cluster by itself
        means = resampled_means(values, _RESAMPLES, random)
    else:
        sums, counts = np.bincount(places, weights=values), np.bincount(places)
        means = resampled_cluster_means(sums, counts, _RESAMPLES, random)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high), n)


def resampled_means(values: np.ndarray, resamples: int, random: np.random.Generator) -> np.ndarray:
    """Means [resamples] of ``values`` [n] drawn with replacement, in bounded memory."""
    parts = _drawn(len(values), resamples, random)
    return np.concatenate([values[drawn].mean(axis=1) for drawn in parts])


def resampled_cluster_means(
    sums: np.ndarray, counts: np.ndarray, resamples: int, random: np.random.Generator
) -> np.ndarray:
    """Means [resamples] over the values of clusters drawn with replacement, in bounded memory.

    Args:
        sums: of each cluster's values [clusters].
        counts: how many values each cluster has [clusters].
        resamples: how many means.
        random: what draws.
    """
    parts = _drawn(len(sums), resamples, random)
    return np.concatenate([sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1) for drawn in parts])


def cluster_places(clusters: Sequence[Hashable]) -> np.ndarray:
    """The number of each value's cluster [n], counted from 0 in order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=int)


def _drawn(n: int, resamples: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Places 0 to ``n`` - 1 drawn with replacement [rows, n], ``resamples`` rows in all."""
    rows = max(1, _AT_ONCE // n)
    for first in range(0, resamples, rows):
        yield random.integers(n, size=(min(rows, resamples - first), n))
