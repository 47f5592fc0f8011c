"""Which rows are looked at where all would be too many."""

from collections.abc import Sequence

from grit.core.seeding import seed_for
from grit.evaluation.predictions import Prediction


def subsample(rows: Sequence[Prediction], most: int, seed: int = 0) -> list[Prediction]:
    """At most so many rows of each set, random ones and the same for every model."""
    by_set: dict[str, list[Prediction]] = {}
    for row in sorted(rows, key=lambda row: seed_for(seed, "lottery", row.set, row.id)):
        by_set.setdefault(row.set, []).append(row)
    names = dict.fromkeys(row.set for row in rows)
    return [row for name in names for row in by_set[name][:most]]
