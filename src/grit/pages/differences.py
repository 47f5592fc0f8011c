"""What runs differ in: their labels in a page about all of them, and what a sweep has varied."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grit.runs.finished import FinishedRun
from grit.runs.results import Results

_FACTS = ("method", "model", "data", "reward", "judge", "seed")  # fields of Results
# What differs between runs without being a choice.
_NO_CHOICE = ("logger", "runs", "resume", "threads", "input", "output", "trainer.progress_bar")
_MOST = 3  # settings in a label


def facts(runs: Sequence[Results]) -> dict[str, list[str]]:
    """The choices behind some runs, each with the values that it has in them."""
    return {name: list(dict.fromkeys(str(getattr(run, name)) for run in runs)) for name in _FACTS}


def choice_labels(runs: Sequence[Results]) -> list[str]:
    """The choices in which runs differ, in words; nothing where they do not."""
    different = [name for name, values in facts(runs).items() if len(values) > 1]
    return [" · ".join(_fact(run, name) for name in different) for run in runs]


def run_labels(runs: Sequence[FinishedRun]) -> list[str]:
    """A label for each run, no two alike.

    The choices in which they differ; for runs that these do not tell apart also settings, and where
    settings do not either the folder.
    """
    labels = choice_labels([run.results for run in runs])

    def add(at: int, *words: str) -> None:
        labels[at] = " · ".join(filter(None, [labels[at], *words]))

    for twins in _alike(labels):
        varied = list(varied_settings([runs[at] for at in twins]))[:_MOST]
        for at in twins:
            settings = dict(_flat(runs[at].config))
            add(at, *(f"{name}={settings.get(name)}" for name in varied))
    for twins in _alike(labels):
        for at in twins:
            add(at, runs[at].folder.name)
    for twins in _alike(labels):  # folders of one name in several places
        for number, at in enumerate(twins, start=1):
            labels[at] += f" ({number})"
    return labels


def varied_settings(runs: Sequence[FinishedRun]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, by dotted name, with the values they have."""
    flat = [dict(_flat(run.config)) for run in runs if run.config]
    names = dict.fromkeys(name for config in flat for name in config)
    values = {name: _distinct(config.get(name) for config in flat) for name in names}
    return {name: several for name, several in values.items() if len(several) > 1}


def shared_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is the same in all configurations, nested as they are."""
    shared: dict[str, Any] = {}
    for key in configs[0] if configs else ():
        values = [config.get(key, ...) for config in configs]
        if key in _NO_CHOICE:
            continue
        if all(isinstance(value, Mapping) for value in values):
            if inside := shared_settings(values):
                shared[key] = inside
        elif len(_distinct(values)) == 1:
            shared[key] = values[0]
    return shared


def _fact(run: Results, name: str) -> str:
    """A fact that says by itself what it is about."""
    return f"seed {run.seed}" if name == "seed" else str(getattr(run, name))


def _alike(labels: Sequence[str]) -> list[list[int]]:
    """Positions of labels that come more than once, or say nothing."""
    places: dict[str, list[int]] = {}
    for at, label in enumerate(labels):
        places.setdefault(label, []).append(at)
    return [twins for label, twins in places.items() if len(twins) > 1 or not label]


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in config.items():
        name = f"{prefix}{key}"
        if name in _NO_CHOICE:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _distinct(values: Iterable[Any]) -> list[Any]:
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    return distinct
