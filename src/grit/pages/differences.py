"""What runs differ in: their labels in a page about all of them, and what a sweep has varied."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grit.pages.experiment import labels
from grit.runs.finished import FinishedRun

# What differs between runs without being a choice.
_NO_CHOICE = ("logger", "runs", "resume", "threads", "input", "output", "trainer.progress_bar")
_MOST = 3  # settings in a label


def run_labels(runs: Sequence[FinishedRun]) -> list[str]:
    """A label for each run, no two alike.

    The choices in which they differ; for runs that these do not tell apart also settings, and where
    settings do not either the folder.
    """
    found = labels([run.results for run in runs])
    for twins in _alike(found):
        varied = list(varied_settings([runs[at] for at in twins]))[:_MOST]
        for at in twins:
            settings = dict(_flat(runs[at].config))
            said = [f"{name}={settings.get(name)}" for name in varied]
            found[at] = " · ".join(filter(None, [found[at], *said]))
    for twins in _alike(found):
        for at in twins:
            found[at] = " · ".join(filter(None, [found[at], runs[at].folder.name]))
    for twins in _alike(found):  # folders of one name in several places
        for number, at in enumerate(twins, start=1):
            found[at] += f" ({number})"
    return found


def varied_settings(runs: Sequence[FinishedRun]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, by dotted name, with the values they have."""
    flat = [dict(_flat(run.config)) for run in runs if run.config]
    names = dict.fromkeys(name for config in flat for name in config)
    values = {name: _distinct(config.get(name) for config in flat) for name in names}
    return {name: found for name, found in values.items() if len(found) > 1}


def shared_settings(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is the same in all configurations, nested as they are."""
    if not configs:
        return {}
    first, *others = configs
    found: dict[str, Any] = {}
    for key, value in first.items():
        values = [value, *(other.get(key, ...) for other in others)]
        if key in _NO_CHOICE:
            continue
        if all(isinstance(each, Mapping) for each in values):
            if inside := shared_settings(values):
                found[key] = inside
        elif all(each == value for each in values):
            found[key] = value
    return found


def _alike(found: Sequence[str]) -> list[list[int]]:
    """Positions of labels that come more than once, or say nothing."""
    places: dict[str, list[int]] = {}
    for at, label in enumerate(found):
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
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
