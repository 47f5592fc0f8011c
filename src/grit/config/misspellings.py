"""Suggestions for a field that does not exist."""

from collections.abc import Collection
from dataclasses import is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from grit.config.schema import Config
from grit.core.settings import parts_of
from grit.judge.settings import WITH_FIELDS, JudgeSettings

MANY = 12  # a message lists at most so many fields


def misspelt(path: str, missing: str = "", there: Collection[str] = ()) -> str | None:
    """The error message for a field that does not exist, in one line.

    Args:
        path: dotted path of the field.
        missing: the shortest beginning of ``path`` that is not in the configuration.
        there: the names that the configuration has at that place.

    Returns:
        None if the schema allows it: a new key of a dictionary, which Hydra adds with a ``+``.
    """
    node: Any = Config
    names = path.split(".")
    if names[0] == "hydra":  # Hydra's own fields are not in the schema
        parents = missing.split(".")[:-1] if missing else names[:-1]
        return _said(parents, (missing or path).rpartition(".")[2], list(there))
    for depth, name in enumerate(names):
        if is_dataclass(node):
            fields = _fields(node)
            if name not in fields:
                return _said(names[:depth], name, list(fields))
            node = parts_of(fields[name])[0]
        elif get_origin(node) is dict:
            entry = ".".join(names[: depth + 1])
            if entry == missing:
                close = close_to(name, there)
                known = ".".join([*names[:depth], close or ""])
                return f"{entry} is not there; did you mean {known}?" if close else None
            node = parts_of(get_args(node)[1])[0]
        else:
            return f"{path} is no field; {'.'.join(names[:depth])} is a value"
    if names[0] != "judge" or len(names) == 1:
        return None
    if missing.startswith(f"{path}."):  # the judge has the field, and not this key of it
        return f"{missing} is not there; +{missing}=... adds it"
    owners = [name for name, kind in WITH_FIELDS.items() if names[1] in get_type_hints(kind)]
    return f"{path} is a field of judge={' and judge='.join(owners)} alone"


def close_to(name: str, known: Collection[str]) -> str | None:
    """The name in ``known`` that ``name`` may be a misspelling of; None if none is close."""
    close = get_close_matches(name, [each for each in known if each != name], n=1)
    return close[0] if close else None


def _fields(node: Any) -> dict[str, Any]:
    """Field -> type, for a class of settings; for ``JudgeSettings`` the fields of all judges."""
    kinds = [node, *WITH_FIELDS.values()] if node is JudgeSettings else [node]
    return {name: kind for each in kinds for name, kind in get_type_hints(each).items()}


def _said(parents: list[str], name: str, fields: list[str]) -> str:
    wrong, close = ".".join([*parents, name]), close_to(name, fields)
    if close:
        return f"{wrong} is no field; did you mean {'.'.join([*parents, close])}?"
    if len(fields) > MANY:
        return f"{wrong} is no field; --cfg job shows all fields"
    return f"{wrong} is no field; there are {', '.join(sorted(fields))}"
