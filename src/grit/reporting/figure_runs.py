"""What figures 4 and 5 say of the runs they are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from grit.evaluation.bootstrap import Estimate

_ORDER = ("written", "grit", "sft", "icl", "cot", "direct")  # the paper's order, best first


@dataclass(frozen=True)
class RunName:
    """A run, by what it was made of."""

    folder: str
    model: str
    data: str
    method: str
    seed: int
    config_hash: str

    @property
    def title(self) -> str:
        """What stands over a panel."""
        return f"{self.model}, {self.data}"

    @property
    def cells(self) -> tuple[str, str]:
        """Model and method, as a table's first cells."""
        return self.model, self.method

    def of_group(self) -> dict[str, Any]:
        """What runs that differ only in their seeds have in common."""
        return {key: asdict(self)[key] for key in ("model", "data", "method")}


@dataclass(frozen=True)
class Unfinished:
    """A run that a figure was asked for and that has nothing to show."""

    folder: str
    reason: str


class _OfRun(Protocol):
    @property
    def run(self) -> RunName: ...


T = TypeVar("T", bound=_OfRun)


def grouped(found: Iterable[T]) -> list[tuple[RunName, list[T]]]:
    """Runs of the same model, data and method together, methods in the paper's order."""
    groups: dict[tuple[str, str, str], list[T]] = {}
    for one in found:
        groups.setdefault((one.run.model, one.run.data, one.run.method), []).append(one)
    models = list(dict.fromkeys((model, data) for model, data, _ in groups))

    def place(key: tuple[str, str, str]) -> tuple[int, int]:
        method = _ORDER.index(key[2]) if key[2] in _ORDER else len(_ORDER)
        return models.index(key[:2]), method

    return [(groups[key][0].run, groups[key]) for key in sorted(groups, key=place)]


def listed(value: Estimate, digits: int = 3) -> str:
    """An estimate in a table's cell: ``0.926 [0.907, 0.943]``."""
    if value.mean is None:
        return "-"
    if value.low is None or value.high is None:
        return f"{value.mean:.{digits}f}"
    return f"{value.mean:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
