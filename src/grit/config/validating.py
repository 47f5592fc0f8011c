"""Validate plain values as settings; errors are one line."""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from grit.config.misspellings import close_to, misspelt
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.keys import leaves
from grit.core.settings import (
    ENTRY,
    UNSET,
    Setting,
    choices_of,
    declared,
    entry_of,
    group_of,
    may_be_null,
)

T = TypeVar("T")
LONGEST = 60  # characters of a value in a message
_NOT_UTF8 = re.compile("[\ud800-\udfff]")  # what Python makes of such bytes in an argument
_UNKNOWN, _MISSING = "unexpected_keyword_argument", "missing"
_OF_TYPES = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "finite_number": "a finite number",
    "string": "text",
    "list": "a list: [a,b]",
    "dict": "entries: {name: value}",
    "dataclass": "a group of settings",
}


def validated(owner: type[T], values: Mapping[str, Any]) -> T:
    """Make a settings object of plain values.

    Args:
        owner: the settings class.
        values: nested dictionaries, lists and plain values; ``???`` counts as not given.

    Raises:
        GritError: names one wrong setting, and what was expected there.
    """
    for path, value in leaves(values, ""):
        if isinstance(value, str) and _NOT_UTF8.search(value):
            raise GritError(
                f"config: {path} is not UTF-8: a letter in it is of another encoding; "
                "give the file or folder another name"
            )
    try:
        # As JSON: in strict mode pydantic makes dataclasses of objects only from JSON.
        return TypeAdapter(owner).validate_json(json.dumps(_without_unset(values)))
    except ValidationError as error:
        # A misspelt setting may leave the right one missing: the misspelling is reported first.
        faults = sorted(error.errors(), key=lambda fault: _rank(fault["type"]))
        raise GritError(f"config: {_said(faults[0])}") from error


def _rank(fault: str) -> int:
    return {_UNKNOWN: 0, _MISSING: 2}.get(fault, 1)


def _without_unset(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {key: _without_unset(v) for key, v in values.items() if v != UNSET}
    return values


def _said(fault: ErrorDetails) -> str:
    """Describe one wrong value: its path, what is expected there, and what was found."""
    names = [*map(str, fault["loc"])]
    if names[0] == "judge" and len(names) > 1:
        del names[1]  # the tag of the judge's class
    in_list = isinstance(fault["loc"][-1], int)
    path = ".".join(names[:-1] if in_list else names)
    if fault["type"] == _UNKNOWN:
        return misspelt(path) or f"{path} is no field"
    if fault["type"] == _MISSING:
        return f"{path} has no value; set {path}=..."
    return f"{path} must be {_expected(fault, names)}, not {_shown(fault['input'])}"


def _expected(fault: ErrorDetails, names: list[str]) -> str:
    setting = next(each for each in declared(Config) if _is_at(each, names))
    choices = choices_of(setting.kind)
    kind = fault["type"].removesuffix("_type").removesuffix("_parsing")
    if kind in _OF_TYPES and not (choices and kind == "string"):
        return _OF_TYPES[kind] + (", or null" if may_be_null(setting.kind) else "")
    close = close_to(str(fault["input"]), choices)
    return (setting.expected or kind) + (f" (did you mean {close}?)" if close else "")


def _is_at(setting: Setting, names: list[str]) -> bool:
    """Whether a setting is at the path ``names``, or is the list or dictionary around it."""
    declared_at = setting.path.split(".")
    if not all(own in (name, ENTRY) for own, name in zip(declared_at, names, strict=False)):
        return False
    deeper = len(names) - len(declared_at)
    if entry_of(setting.kind) is not None:
        return deeper in (0, 1)
    return deeper == 0 or (deeper > 0 and group_of(setting.kind) is None)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str) if isinstance(value, dict | list | bool) else str(value)
    text = "null" if value is None else text or "empty text"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
