"""What figures 4 and 5 say of the runs they are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, TypeVar

from grit.evaluation.bootstrap import Estimate

_ORDER = ("written", "grit", "sft", "icl", "cot", "direct")  # the paper's order, best first
_TELLING = ("reward", "suite", "settings")  # what may set runs of one method apart


@dataclass(frozen=True)
class RunName:
    """A run, by what it was made of."""

    folder: str
    model: str
    data: str
    method: str
    seed: int
    config_hash: str
    reward: str = ""
    suite: str = ""
    settings: str = ""  # fingerprint of all that is no seed

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
        return {key: asdict(self)[key] for key in ("model", "data", "method", *_TELLING)}


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
    """Runs that differ only in their seeds together, methods in the paper's order.

    Where several groups are of one model, data and method, the method names what differs.
    """
    groups: dict[tuple[str, ...], list[T]] = {}
    for one in found:
        groups.setdefault(tuple(map(str, one.run.of_group().values())), []).append(one)
    models = list(dict.fromkeys((model, data) for model, data, *_ in groups))

    def place(key: tuple[str, ...]) -> tuple[int, int]:
        method = _ORDER.index(key[2]) if key[2] in _ORDER else len(_ORDER)
        return models.index((key[0], key[1])), method

    keys = sorted(groups, key=place)
    return [(_named(groups[key][0].run, key, keys), groups[key]) for key in keys]


def _named(run: RunName, key: tuple[str, ...], keys: Sequence[tuple[str, ...]]) -> RunName:
    twins = [other for other in keys if other[:3] == key[:3]]
    parts = [
        f"{name}={key[at]}"
        for at, name in enumerate(_TELLING, start=3)
        if len({twin[at] for twin in twins}) > 1
    ]
    # Another reward is another setting: the fingerprint is for what has no name of its own.
    parts = parts[:-1] if len(parts) > 1 and parts[-1].startswith("settings=") else parts
    return replace(run, method=f"{run.method} ({', '.join(parts)})") if parts else run


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
