"""Files that could not be downloaded: the reason, and instructions for getting them by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 3  # names of a group


@dataclass(frozen=True)
class Shortfall:
    """A file that is missing or invalid."""

    what: str  # "vsr/000000000001.jpg", or a file of annotations
    where: str  # the set or file that needs it
    reason: str
    by_hand: str

    def as_row(self) -> dict[str, str]:
        """For JSON."""
        return {"what": self.what, "of": self.where, "reason": self.reason, "by_hand": self.by_hand}


def summary_lines(shortfalls: Iterable[Shortfall]) -> list[str]:
    """A line for each reason: how many files, some of their names, and the instructions."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for missing in shortfalls:
        key = missing.where, missing.reason, missing.by_hand
        groups.setdefault(key, []).append(missing.what)
    lines = []
    for (where, reason, by_hand), names in groups.items():
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        count = f"{len(names)} images ({shown})" if len(names) > 1 else shown
        lines.append(f"{where}: {count}: {reason}; by hand: {by_hand}")
    return lines
