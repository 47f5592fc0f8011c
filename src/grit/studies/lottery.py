"""Which rows are looked at where all would be too many."""

from collections.abc import Sequence

from grit.core.seeding import seed_for
from grit.evaluation.predictions import Prediction


def lottery(rows: Sequence[Prediction], most: int, seed: int = 0) -> list[Prediction]:
    """At most so many rows of each set; every model's rows are drawn by the same lots."""
    by_set: dict[str, list[Prediction]] = {}
    for row in rows:
        by_set.setdefault(row.set, []).append(row)
    return [
        row
        for found in by_set.values()
        for row in sorted(found, key=lambda row: seed_for(seed, "lottery", row.set, row.id))[:most]
    ]
