"""What figures 4 and 5 and faithfulness say of the runs they are made of."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs
from grit.runs.twins import differing

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
    settings: str = ""  # fingerprint of all but the seeds
    code: str = ""  # fingerprint of the code that made it
    questions: str = ""  # fingerprint of what it was asked
    differs: str = ""  # the settings in which it differs from runs of the same names
    data_seed: int | None = None  # that drew its triplets; None: not known, or none were drawn
    triplets: str = ""  # fingerprint of these; "": not known, or none were drawn

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "RunName":
        """The run of a row of a figure's JSON, which has more to say."""
        return cls(**{field.name: row[field.name] for field in fields(cls) if field.name in row})

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


class OfRun(Protocol):
    """What was measured of a run."""

    @property
    def run(self) -> RunName:
        """The run."""


T = TypeVar("T", bound=OfRun)


class Group(NamedTuple, Generic[T]):
    """The runs of one model and method, that differ in their seeds; none where it is missing."""

    name: RunName
    runs: Sequence[T]

    def over_runs(self, of_run: Callable[[T], Estimate | None], bounds: Bounds) -> Estimate:
        """A number over the runs that have it."""
        known = [(found, run) for run in self.runs if (found := of_run(run)) is not None]
        return over_runs([found for found, _ in known], bounds, draws_of(run for _, run in known))


def grouped(
    measured: Iterable[T], unfinished: Sequence[Unfinished] = (), expected: Sequence[str] = ()
) -> list[Group[T]]:
    """Runs that differ only in their seeds and draws together, methods in the paper's order.

    Where several groups are of one model, data and method, the method names what differs. Methods
    that are expected of each model and have no run are groups without any.
    """
    groups: dict[tuple[str, ...], tuple[RunName, list[T]]] = {}
    for row in measured:
        key = tuple(map(str, row.run.of_group().values()))
        groups.setdefault(key, (row.run, []))[1].append(row)
    there = [name.of_names() for name, _ in groups.values()]
    models = [name[:2] for name in there]
    models += [(run.model, run.data) for run in unfinished if run.model]
    models = list(dict.fromkeys(models))
    missing = [
        RunName("", model, data, method, 0, "")
        for model, data in models
        for method in expected
        if (model, data, method) not in there
    ]

    def place(group: tuple[RunName, list[T]]) -> tuple[int, int]:
        model, method = (group[0].model, group[0].data), group[0].method
        rank = _ORDER.index(method) if method in _ORDER else len(_ORDER)
        return models.index(model), rank

    ordered = sorted([*groups.values(), *((name, []) for name in missing)], key=place)
    names = [name for name, _ in ordered]
    return [Group(_told_apart(name, names), runs) for name, runs in ordered]


def _told_apart(run: RunName, others: Sequence[RunName]) -> RunName:
    twins = [other for other in others if other.of_names() == run.of_names()]
    # Another reward is another setting: a fingerprint is for what has no name of its own.
    parts = [
        run.differs if name == "settings" and run.differs else f"{name}={getattr(run, name)}"
        for name in differing(twins, _TELLING, _IMPLIED)
    ]
    return replace(run, method=f"{run.method} ({', '.join(parts)})") if parts else run


def draws_of(measured: Iterable[OfRun]) -> list[Hashable]:
    """The draw of the triplets of each run: seeds that drew the same triplets are one draw."""
    return [row.run.triplets or row.run.data_seed for row in measured]
