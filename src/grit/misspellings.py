"""A field that does not exist: which one may have been meant."""

from dataclasses import is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from grit.judge_settings import ServiceJudgeConfig
from grit.schema import Config, JudgeConfig

MANY = 12  # fields, more than a line of a message should list


def misspelt(path: str) -> str | None:
    """What is wrong with the dotted path of a field that is not there, in one line.

    None where the schema takes it: a new entry of a dictionary, which Hydra adds by a ``+``.
    """
    node: Any = Config
    names = path.split(".")
    for depth, name in enumerate(names):
        if is_dataclass(node):
            fields = get_type_hints(node)
            if name not in fields:
                return _said(names[:depth], name, list(fields))
            kind = _without_null(fields[name])
            node = ServiceJudgeConfig if kind is JudgeConfig else kind
        elif get_origin(node) is dict:
            node = _without_null(get_args(node)[1])
        else:
            return f"{path} is no field; {'.'.join(names[:depth])} is a value"
    return f"{path} is a field of judge=openai alone" if names[0] == "judge" else None


def _without_null(kind: Any) -> Any:
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return next(part for part in parts if part is not NoneType)


def _said(parents: list[str], name: str, fields: list[str]) -> str:
    wrong, close = ".".join([*parents, name]), get_close_matches(name, fields, n=1)
    if close:
        return f"{wrong} is no field; did you mean {'.'.join([*parents, *close])}?"
    if len(fields) > MANY:
        return f"{wrong} is no field; --cfg job shows all fields"
    return f"{wrong} is no field; there are {', '.join(sorted(fields))}"
