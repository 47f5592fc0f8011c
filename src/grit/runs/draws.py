"""Repetitions: runs that differ in their seed, or in which triplets were drawn, and in no more."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from grit.core.fingerprints import fingerprint
from grit.runs.results import Results

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Repetitions(Generic[T]):
    """Runs of several seeds and draws of the training triplets (``data.seed``), one run of each.

    Attributes:
        repeats: runs that do not count, each with the one that has its draw and seeds.
    """

    def __init__(self) -> None:
        self._rows: dict[int | None, str | None] = {}  # data.seed -> fingerprint of what it drew
        self._runs: dict[tuple[Hashable, ...], tuple[Results, T]] = {}  # by triplets and seeds
        self.repeats: list[tuple[T, T]] = []

    def takes(self, results: Results) -> bool:
        """Whether a run drew the same as others of its ``data.seed``: from the same rows."""
        drawn = results.triplets_hash
        return self._rows.get(results.data_seed, drawn) == drawn

    def add(self, results: Results, run: T) -> None:
        """Take a run in; of several with the same triplets and seeds the first counts.

        The same triplets by another ``data.seed`` are in another order: another training.
        """
        self._rows.setdefault(results.data_seed, results.triplets_hash)
        key = draw_of(results), results.data_seed, results.seed
        if key in self._runs:
            self.repeats.append((run, self._runs[key][1]))
        else:
            self._runs[key] = (results, run)

    @property
    def runs(self) -> list[T]:
        """The runs by draw, and by seed within a draw."""
        ordered = sorted(
            self._runs.values(), key=lambda known: (known[0].data_seed or 0, known[0].seed)
        )
        return [run for _, run in ordered]

    @property
    def rows(self) -> str | None:
        """The triplets' fingerprint, one of all draws where there are several; None: not known."""
        if len(self._rows) == 1:
            return next(iter(self._rows.values()))
        return fingerprint(sorted((str(seed), drawn) for seed, drawn in self._rows.items()))


def draw_of(results: Results) -> Hashable:
    """Equal for runs that were trained on the same triplets."""
    return results.triplets_hash or results.data_seed


def repetitions_of(runs: Iterable[tuple[K, Results, T]]) -> list[tuple[K, Repetitions[T]]]:
    """Runs of one key together, in order of appearance.

    Those whose ``data.seed`` drew other triplets, from other rows, are no repetitions.
    """
    groups: list[tuple[K, Repetitions[T]]] = []
    for key, results, run in runs:
        same = (group for known, group in groups if known == key and group.takes(results))
        group = next(same, None)
        if group is None:
            group = Repetitions()
            groups.append((key, group))
        group.add(results, run)
    return groups
