"""A declaration of a setting says all that the suite needs to know of it."""

import dataclasses
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from grit.core.settings import (
    UNSET,
    Text,
    choices_of,
    declared,
    defaults,
    may_be_null,
    setting,
    settings,
    type_name,
)


@settings
class Inner:
    """A group."""

    rate: float = setting("a rate", gt=0)
    share: float = setting("a share", 0.5, ge=0, le=1)
    top: float = setting("a mass", 1.0, gt=0, le=1)
    weight: float = setting("a weight", 0.0, ge=0)


@settings
class Other(Inner):
    """The group with one field more."""

    name: Text = setting("a name", "other")


@settings
class Outer:
    """What holds groups."""

    steps: int = setting("a count", 3, ge=1)
    mode: Literal["a", "b"] = setting("a word", "a", changes_results=False)
    words: list[Literal["x", "y"]] = setting("some words", list)
    limit: int | None = setting("perhaps", None, ge=1, of="grpo_gr")
    inner: Inner | Other
    entries: dict[Text, Inner] = setting("by name", dict)


def test_the_declarations_are_read_in_their_order_with_what_is_in_groups() -> None:
    read = {each.path: each for each in declared(Outer)}
    assert list(read) == [
        *("steps", "mode", "words", "limit", "inner", "inner.rate", "inner.share", "inner.top"),
        *("inner.weight", "inner.name", "entries", "entries.NAME.rate", "entries.NAME.share"),
        *("entries.NAME.top", "entries.NAME.weight"),
    ]
    assert [path for path, each in read.items() if not each.changes_results] == ["mode"]
    assert [path for path, each in read.items() if each.of == "grpo_gr"] == ["limit"]
    assert read["inner.rate"].default == UNSET
    assert read["inner.rate"].about == "a rate"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("steps", "at least 1"),
        ("mode", "one of a, b"),
        ("words", "one of x, y"),
        ("limit", "at least 1"),
        ("inner.rate", "a positive number"),
        ("inner.share", "from 0 to 1"),
        ("inner.top", "above 0 and at most 1"),
        ("inner.weight", "0 or a positive number"),
        ("inner.name", None),
    ],
)
def test_ranges_and_choices_are_said_in_words(path: str, words: str | None) -> None:
    assert {each.path: each.expected for each in declared(Outer)}[path] == words


def test_types_are_said_in_words() -> None:
    kinds = {each.path: each.kind for each in declared(Outer)}
    said = {path: type_name(kind) for path, kind in kinds.items() if path.count(".") == 0}
    assert said["steps"] == "integer"
    assert said["mode"] == "one of"
    assert said["words"] == "list of one of"
    assert said["limit"] == "integer, or null"
    assert said["entries"] == "by name"
    assert choices_of(kinds["words"]) == ("x", "y")
    assert may_be_null(kinds["limit"])
    assert not may_be_null(kinds["steps"])


def test_defaults_are_a_tree_with_a_mark_where_something_has_to_be_set() -> None:
    assert defaults(Outer) == {
        "steps": 3,
        "mode": "a",
        "words": [],
        "limit": None,
        "inner": {"rate": UNSET, "share": 0.5, "top": 1.0, "weight": 0.0},
        "entries": {},
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"rate": 0.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"rate": "1"},
        {"rate": True},
        {"rate": 1.0, "share": 1.1},
        {"rate": 1.0, "misspelt": 1},
        {},
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Inner(**fields)


def test_settings_do_not_change_and_a_number_can_be_a_text() -> None:
    inner: Any = Inner(rate=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        inner.rate = 2.0
    assert dataclasses.replace(inner, rate=2.0).rate == 2.0
    assert Other(rate=1.0, name=2026).name == "2026"
    assert Outer(inner=inner).words is not Outer(inner=inner).words
