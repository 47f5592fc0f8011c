"""Declarations of settings: one per setting, in the room that uses it, with type, default, range.

A room's settings are frozen pydantic dataclasses whose fields are made by ``setting``::

    @settings
    class Sampling:
        top_k: int = setting("keep this many most likely tokens; 0: all", 0, ge=0)

``grit.config`` composes them to the schema of a run. The checks, ``--help`` and the documentation's
reference page use the same declarations; the room's code takes an object of the class.
"""

from collections.abc import Iterator
from dataclasses import is_dataclass
from os.path import expanduser
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AfterValidator, ConfigDict, Field, Strict
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

T = TypeVar("T")
REQUIRED: Any = ...
ENTRY = "NAME"  # stands for any key of a dictionary in a setting's path
UNSET = "???"  # OmegaConf's mark of a mandatory value
Text = Annotated[str, Strict(False)]
"""Text; a number on the command line becomes its digits, as in ``logger.group=2026``."""
PathText = Annotated[Text, AfterValidator(expanduser)]
"""A path, or a name in its place; ``~/`` is the home folder: shells leave it as it is here."""

# Strict: true is not accepted as a number, nor 1.5 as an integer.
_CONFIG = ConfigDict(extra="forbid", strict=True, coerce_numbers_to_str=True, allow_inf_nan=False)
_COUNTS, _OF = "changes_results", "of"
_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false"}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(declared: type[T]) -> type[T]:
    """Turn a class of ``setting`` fields into a frozen dataclass that validates its values."""
    return cast(type[T], dataclass(frozen=True, kw_only=True, config=_CONFIG)(declared))


def setting(
    about: str,
    default: Any = REQUIRED,
    *,
    changes_results: bool = True,
    of: str | None = None,
    **limits: Any,
) -> Any:
    """A field of a ``settings`` class.

    Args:
        about: its description in ``--help`` and on the reference page.
        default: its value if nothing sets it; ``list`` or ``dict`` for a new empty one. Left out:
            a file of ``conf/`` or the command line has to set it.
        changes_results: False if it changes only how a run looks, where it runs or what memory it
            takes: numbers by rounding at most. Such fields stay out of the fingerprint by which
            runs are compared, and a run may be resumed with others.
        of: the way of training, ``grpo_gr`` or ``sft``, that alone uses it; None: not just one.
        limits: pydantic's ``ge``, ``gt``, ``le``, ``lt``; null is always in range.
    """
    value = {"default_factory": default} if isinstance(default, type) else {"default": default}
    marks: Any = {_COUNTS: changes_results, _OF: of}
    return Field(description=about, json_schema_extra=marks, **value, **limits)


class Setting(NamedTuple):
    """A declared field, for checking values and for generating documentation."""

    path: str  # dotted, relative to the class given to `declared`
    kind: Any  # its type
    about: str
    default: Any  # UNSET if it has to be set
    expected: str | None  # its range or choices, in words
    changes_results: bool
    of: str | None  # the way of training that alone uses it


def declared(owner: type, prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a class in declaration order, a group before its members.

    ``NAME`` stands for the keys of a dictionary of groups. For a group that may be of several
    classes, the settings of all of them are yielded, each path once.
    """
    kinds = get_type_hints(owner)
    for name, info in _infos(owner).items():
        path, kind = f"{prefix}{name}", kinds[name]
        extra = info.json_schema_extra
        marks = extra if isinstance(extra, dict) else {}
        yield Setting(
            path=path,
            kind=kind,
            about=info.description or "",
            default=_default(info),
            expected=expected(info, kind),
            changes_results=bool(marks.get(_COUNTS, True)),
            of=cast(str | None, marks.get(_OF)),
        )
        seen: set[str] = set()
        for group in groups_of(kind):
            fresh = [each for each in declared(group, f"{path}.") if each.path not in seen]
            seen |= {each.path for each in fresh}
            yield from fresh
        if (entry := entry_of(kind)) is not None:
            yield from declared(entry, f"{path}.{ENTRY}.")


def defaults(owner: type) -> dict[str, Any]:
    """The defaults of a class as nested dictionaries; UNSET where there is none."""
    kinds = get_type_hints(owner)
    return {
        name: _default(info) if (group := group_of(kinds[name])) is None else defaults(group)
        for name, info in _infos(owner).items()
    }


def groups_of(kind: Any) -> list[type]:
    """The ``settings`` classes in the type of a field."""
    return [part for part in parts_of(kind) if isinstance(part, type) and is_dataclass(part)]


def group_of(kind: Any) -> type | None:
    """The ``settings`` class of a field, the first of several; None for a plain value."""
    return next(iter(groups_of(kind)), None)


def entry_of(kind: Any) -> type | None:
    """The ``settings`` class of the values of a dictionary field; None for other fields."""
    first = parts_of(kind)[0]
    value = get_args(first)[1] if get_origin(first) is dict else None
    return value if isinstance(value, type) and is_dataclass(value) else None


def parts_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union without null; any other type alone."""
    if get_origin(kind) not in (Union, UnionType):
        return (kind,)
    return tuple(part for part in get_args(kind) if part is not type(None))


def may_be_null(kind: Any) -> bool:
    """Whether a field takes null."""
    return get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)


def type_name(kind: Any) -> str:
    """A type in words: "integer, or null"."""
    first = parts_of(kind)[0]
    if get_origin(first) is Literal:
        name = "one of"
    elif get_origin(first) is list:
        name = f"list of {type_name(get_args(first)[0])}"
    elif get_origin(first) is dict:
        name = "by name"
    else:
        name = _NAMES.get(first, "any")
    return f"{name}, or null" if may_be_null(kind) else name


def choices_of(kind: Any) -> tuple[str, ...]:
    """The words that a field, or each item of a list field, may be; empty for other types."""
    first = parts_of(kind)[0]
    if get_origin(first) is list:
        return choices_of(get_args(first)[0])
    return get_args(first) if get_origin(first) is Literal else ()


def expected(info: FieldInfo, kind: Any) -> str | None:
    """The range or the choices of a field in words: "at least 1"; None if there are no limits."""
    if choices := choices_of(kind):
        return f"one of {', '.join(choices)}"
    limits = {
        name: getattr(mark, name)
        for mark in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(mark, name, None) is not None
    }
    match limits:
        case {"gt": low, "le": high}:
            return f"above {low} and at most {high}"
        case {"ge": low, "le": high}:
            return f"from {low} to {high}"
        case {"gt": 0}:
            return "a positive number"
        case {"ge": 0} if parts_of(kind)[0] is float:
            return "0 or a positive number"
        case {"ge": low}:
            return f"at least {low}"
    return None


def _infos(owner: type) -> dict[str, FieldInfo]:
    return cast(dict[str, FieldInfo], vars(owner)["__pydantic_fields__"])  # inherited ones too


def _default(info: FieldInfo) -> Any:
    return UNSET if info.is_required() else info.get_default(call_default_factory=True)
