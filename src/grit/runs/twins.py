"""What sets runs of one name apart: their settings by name, where a fingerprint says nothing."""

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from grit.config.identity import NOT_RESULTS, REPEATED, is_below, not_results
from grit.figures.places import without_places

MOST = 3  # differences of a label
_LONGEST = 40  # characters of a value

# Settings that follow another where nobody sets them, and need not be said beside it.
_FOLLOWS = {
    "trainer.max_steps": ("training.steps", "training.sft.steps"),
    "evaluation.max_new_tokens": ("rollout.sampling.max_new_tokens",),
    "suite.root": ("data.root",),
}


class _Presence(Enum):
    """Instead of a value, of a group of settings that not every run has."""

    there = "with"
    absent = "without"
    outside = ""  # a setting of a group that the run does not have, which is said of the group


class _Difference(NamedTuple):
    """A setting that is not the same everywhere, and its value in each configuration."""

    name: str
    values: tuple[Any, ...]

    @property
    def keys(self) -> list[str]:
        """The values as what can be counted."""
        return [json.dumps(value, sort_keys=True, default=str) for value in self.values]

    def said(self, place: int) -> str:
        """What one configuration has."""
        value = self.values[place]
        if isinstance(value, _Presence):
            return f"{value.value} {self.name}"
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        text = without_places(text)
        return f"{self.name}={text if len(text) <= _LONGEST else f'{text[: _LONGEST - 1]}…'}"


def distinctions(
    configs: Sequence[Mapping[str, Any]],
    named: Sequence[Hashable] = (),
    ignored: Sequence[str] = REPEATED,
) -> list[tuple[str, ...]]:
    """For each configuration the settings in which it differs, as ``name=value``.

    At most three, first those that few others share, and then how many more there are.

    Args:
        configs: of the runs to tell apart.
        named: for each, what is said of it anyway; settings that follow from it are left out.
        ignored: dotted names, also of whole groups, that do not count beside ``NOT_RESULTS``.
    """
    same = set(NOT_RESULTS).intersection(*map(not_results, configs))
    left_out = (*same, *ignored)
    found = {
        each.name: each
        for each in _differences(configs)
        if not (is_below(each.name, left_out) or (named and _hangs_on(each.keys, named)))
    }
    told = [
        each
        for each in found.values()
        if all(
            found[name].keys != each.keys for name in _FOLLOWS.get(each.name, ()) if name in found
        )
    ]
    return [_of(place, told) for place in range(len(configs))]


def differing(
    twins: Sequence[object], names: Sequence[str], implied: Mapping[str, Sequence[str]]
) -> list[str]:
    """The attributes in which runs of one name differ.

    Without fingerprints that tell no more apart than the attributes that ``implied`` has for them.
    """

    def kinds(*attributes: str) -> int:
        return len({tuple(getattr(twin, name) for name in attributes) for twin in twins})

    return [
        name
        for name in names
        if kinds(name) > 1 and kinds(*implied.get(name, ())) < kinds(name, *implied.get(name, ()))
    ]


def _of(place: int, differences: Sequence[_Difference]) -> tuple[str, ...]:
    own = [each for each in differences if each.values[place] is not _Presence.outside]
    ordered = sorted(own, key=lambda each: _is_common(each.keys, place))  # stable
    said = [each.said(place) for each in ordered]
    more = len(said) - MOST
    return (*said[:MOST], f"and {more} more") if more > 0 else tuple(said)


def _is_common(keys: Sequence[str], place: int) -> bool:
    return Counter(keys).most_common(1)[0][0] == keys[place]


def _hangs_on(keys: Sequence[str], named: Sequence[Hashable]) -> bool:
    """Whether equal names always have equal values."""
    return len(set(zip(named, keys, strict=True))) == len(set(named))


def _differences(configs: Sequence[Mapping[str, Any]], prefix: str = "") -> Iterator[_Difference]:
    """Every setting that differs; a group that is absent somewhere is one by itself."""
    for key in dict.fromkeys(key for config in configs for key in config):
        name = f"{prefix}{key}"
        values = [config.get(key, _Presence.absent) for config in configs]
        groups = [value if isinstance(value, Mapping) else {} for value in values]
        shown = [_Presence.there if isinstance(value, Mapping) else value for value in values]
        difference = _Difference(name, tuple(shown))
        if len(set(difference.keys)) > 1:
            yield difference
        yield from _inside(groups, shown, f"{name}.")


def _inside(
    groups: Sequence[Mapping[str, Any]], shown: Sequence[Any], prefix: str
) -> Iterator[_Difference]:
    """What differs between those that have the group; the others have no part in it."""
    there = [place for place, value in enumerate(shown) if value is _Presence.there]
    for each in _differences([groups[place] for place in there], prefix) if there else ():
        values: list[Any] = [_Presence.outside] * len(groups)
        for place, value in zip(there, each.values, strict=True):
            values[place] = value
        yield _Difference(each.name, tuple(values))
