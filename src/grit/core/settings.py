"""How a setting is declared: once, in the room that uses it, with type, default, range and purpose.

A room's settings are frozen pydantic dataclasses whose fields are made by ``setting``::

    @settings
    class Sampling:
        top_k: int = setting("keep this many most likely tokens; 0: all", 0, ge=0)

``grit.config`` composes them to the schema of a run. The checks, ``--help`` and the reference page
of the documents are read from the same declarations, and the room's code takes the very object.
"""

from collections.abc import Iterator
from dataclasses import is_dataclass
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

from pydantic import ConfigDict, Field, Strict
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

T = TypeVar("T")
REQUIRED: Any = ...
ENTRY = "NAME"  # in the path of a setting of every entry of a dictionary
UNSET = "???"  # OmegaConf's mark of a value that has to be set
Text = Annotated[str, Strict(False)]
"""Text; a number on the command line is taken as its digits, as in ``logger.group=2026``."""

# Strict: true is no number, and 1.5 no number of steps.
_CONFIG = ConfigDict(extra="forbid", strict=True, coerce_numbers_to_str=True, allow_inf_nan=False)
_COUNTS, _OF = "changes_results", "of"
_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false"}


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(declared: type[T]) -> type[T]:
    """Make a class of ``setting`` fields a frozen dataclass that checks its values."""
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
        about: what it is for, as ``--help`` and the reference page say it.
        default: its value where nothing is said; ``list`` or ``dict`` for an empty one of its own.
            Left out: a file of ``conf/`` or the command line has to set it.
        changes_results: False for what changes only how a run looks or where it runs. Such fields
            stay out of the fingerprint by which runs are compared.
        of: the one way of training that uses it; None: not only one.
        limits: pydantic's ``ge``, ``gt``, ``le``, ``lt``; null is never out of range.
    """
    value = {"default_factory": default} if isinstance(default, type) else {"default": default}
    marks: Any = {_COUNTS: changes_results, _OF: of}
    return Field(description=about, json_schema_extra=marks, **value, **limits)


class Setting(NamedTuple):
    """A declared field, to check values against or to write about."""

    path: str  # dotted, from the class that was asked about
    kind: Any  # its type
    about: str
    default: Any  # UNSET where it has to be set
    expected: str | None  # its range or choices, in words
    changes_results: bool
    of: str | None  # the one way of training that uses it


def declared(owner: type, prefix: str = "") -> Iterator[Setting]:
    """The settings of a class in the order of their declarations, a group before what is in it.

    The entries of a dictionary of groups are called ``NAME``. Of a group that is one of several
    classes the settings of all are given.
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
    """The fields of a class as a plain tree of their defaults; UNSET where there is none."""
    kinds = get_type_hints(owner)
    return {
        name: _default(info) if (group := group_of(kinds[name])) is None else defaults(group)
        for name, info in _infos(owner).items()
    }


def groups_of(kind: Any) -> list[type]:
    """The ``settings`` classes that the value of a field may be of."""
    return [part for part in parts_of(kind) if isinstance(part, type) and is_dataclass(part)]


def group_of(kind: Any) -> type | None:
    """The ``settings`` class of a field that is a group of settings; the first of several."""
    return next(iter(groups_of(kind)), None)


def entry_of(kind: Any) -> type | None:
    """The ``settings`` class of a dictionary's values."""
    first = parts_of(kind)[0]
    value = get_args(first)[1] if get_origin(first) is dict else None
    return value if isinstance(value, type) and is_dataclass(value) else None


def parts_of(kind: Any) -> tuple[Any, ...]:
    """A type as the types that it is a union of, without null."""
    if get_origin(kind) not in (Union, UnionType):
        return (kind,)
    return tuple(part for part in get_args(kind) if part is not type(None))


def may_be_null(kind: Any) -> bool:
    """Whether a field takes null."""
    return get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)


def type_name(kind: Any) -> str:
    """A type as people say it: "integer, or null"."""
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
    """The words of a field that takes one of them, or a list of them."""
    first = parts_of(kind)[0]
    if get_origin(first) is list:
        return choices_of(get_args(first)[0])
    return get_args(first) if get_origin(first) is Literal else ()


def expected(info: FieldInfo, kind: Any) -> str | None:
    """The range or the choices of a field in words, as "at least 1"; None where all is allowed."""
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
    known: dict[str, FieldInfo] = owner.__pydantic_fields__  # type: ignore[attr-defined]
    return known


def _default(info: FieldInfo) -> Any:
    return UNSET if info.is_required() else info.get_default(call_default_factory=True)
