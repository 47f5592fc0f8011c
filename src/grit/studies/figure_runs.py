"""What figures 4 and 5 say of the runs they are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol, TypeVar

_ORDER = ("written", "grit", "sft", "icl", "cot", "direct")  # the paper's order, best first
_TELLING = ("reward", "suite", "settings", "code", "questions")  # what may set runs apart
_IMPLIED = {"settings": ("reward", "suite"), "questions": ("suite",)}  # fingerprints of these, too


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
    code: str = ""  # fingerprint of the code that made it
    questions: str = ""  # fingerprint of what it was asked
    differs: str = ""  # the settings in which it differs from runs of the same names

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "RunName":
        """The run of a row of a figure's JSON, which has more to say."""
        return cls(**{each.name: row[each.name] for each in fields(cls) if each.name in row})

    @property
    def title(self) -> str:
        """What stands over a panel."""
        return f"{self.model}, {self.data}"

    def of_names(self) -> tuple[str, str, str]:
        """What a run is called: its model, data and method."""
        return self.model, self.data, self.method

    def of_group(self) -> dict[str, Any]:
        """What runs that differ only in their seeds have in common."""
        return {key: asdict(self)[key] for key in ("model", "data", "method", *_TELLING)}


@dataclass(frozen=True)
class Unfinished:
    """A run that a figure was asked for and that has nothing to show."""

    folder: str
    reason: str
    model: str = ""  # "": only its folder is known
    data: str = ""
    method: str = ""
    seed: int = 0


class _OfRun(Protocol):
    @property
    def run(self) -> RunName: ...


T = TypeVar("T", bound=_OfRun)
Key = tuple[str, ...]


def grouped(
    found: Iterable[T], unfinished: Sequence[Unfinished] = (), expected: Sequence[str] = ()
) -> list[tuple[RunName, list[T]]]:
    """Runs that differ only in their seeds together, methods in the paper's order.

    Where several groups are of one model, data and method, the method names what differs. Methods
    that are expected of each model and have no run are groups without any.
    """
    groups: dict[Key, list[T]] = {}
    names: dict[Key, RunName] = {}
    for one in found:
        groups.setdefault(_key(one.run), []).append(one)
        names.setdefault(_key(one.run), one.run)
    models = dict.fromkeys((model, data) for model, data, *_ in groups)
    models |= dict.fromkeys((one.model, one.data) for one in unfinished if one.model)
    there = {key[:3] for key in groups}
    for model, data in models:
        for method in expected:
            if (model, data, method) not in there:
                name = RunName("", model, data, method, 0, "")
                groups[_key(name)], names[_key(name)] = [], name
    places = list(models)

    def place(key: Key) -> tuple[int, int]:
        method = _ORDER.index(key[2]) if key[2] in _ORDER else len(_ORDER)
        return places.index((key[0], key[1])), method

    keys = sorted(groups, key=place)
    return [(_told_apart(names[key], key, keys), groups[key]) for key in keys]


def _key(run: RunName) -> Key:
    return tuple(map(str, run.of_group().values()))


def _told_apart(run: RunName, key: Key, keys: Sequence[Key]) -> RunName:
    twins = [dict(zip(_TELLING, other[3:], strict=True)) for other in keys if other[:3] == key[:3]]
    own = dict(zip(_TELLING, key[3:], strict=True))

    def kinds(*names: str) -> int:
        return len({tuple(twin[name] for name in names) for twin in twins})

    # Another reward is another setting: a fingerprint is for what has no name of its own.
    parts = [
        run.differs if name == "settings" and run.differs else f"{name}={own[name]}"
        for name in _TELLING
        if kinds(name) > 1 and kinds(*_IMPLIED.get(name, ())) < kinds(name, *_IMPLIED.get(name, ()))
    ]
    return replace(run, method=f"{run.method} ({', '.join(parts)})") if parts else run
