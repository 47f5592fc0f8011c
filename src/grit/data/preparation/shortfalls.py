"""What could not be had, why, and how to get it by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 3  # names of a group


@dataclass(frozen=True)
class Shortfall:
    """One thing that is missing or not right."""

    what: str  # "vsr/000000000001.jpg", or a file of annotations
    where: str  # the set or file that needs it
    reason: str
    by_hand: str

    def as_row(self) -> dict[str, str]:
        """For JSON."""
        return {"what": self.what, "of": self.where, "reason": self.reason, "by_hand": self.by_hand}


def summed_up(shortfalls: Iterable[Shortfall]) -> list[str]:
    """A line for each reason: how many, which, and what to do."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in shortfalls:
        groups.setdefault((each.where, each.reason, each.by_hand), []).append(each.what)
    lines = []
    for (where, reason, by_hand), names in groups.items():
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        count = f"{len(names)} images ({shown})" if len(names) > 1 else shown
        lines.append(f"{where}: {count}: {reason}; by hand: {by_hand}")
    return lines
