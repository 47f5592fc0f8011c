"""The reference pages of the settings, written from their declarations and from ``conf/``.

What a setting is for stands where it is declared: as a comment on its line or above it, or as a
docstring below it. Ranges are those of ``grit.config.checks``, and values those of the composed
configuration, so that none of these pages can say anything else than the program does.
"""

import ast
import inspect
import re
import textwrap
import tokenize
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from io import StringIO
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, OmegaConf

from grit.config.checks import RANGES, SERVICE_RANGES
from grit.config.configuration import CONF, GROUPS, ROOT, group_files, register
from grit.config.schema import Config
from grit.judge.settings import WITH_FIELDS

EXPECTED = {path: expected for path, (_, expected) in (RANGES | SERVICE_RANGES).items()}
PRIMARY = dict(  # what the primary configuration says of the fields that it sets
    re.findall(r"^(\w+): [^#\n]*# (.+)$", (CONF / "config.yaml").read_text("utf-8"), re.M)
)
UNSET = "???"
LONGEST = 60  # characters of a value in a table
FULL = 85  # characters of a line whose comment goes on below it


@dataclass(frozen=True)
class Setting:
    """One field of the configuration."""

    path: str
    type: str
    note: str
    choices: type[StrEnum] | None
    default: Any  # of the declaration; UNSET where a file of conf/ has to say it


def settings_page() -> str:
    """Every setting by its section: type, value of ``python -m grit``, range, what it is for."""
    default = composed()
    lines: list[str] = []
    plain = [setting for setting in declared(Config) if "." not in setting.path]
    lines += ["## The run itself", "", *_table(plain, default)]
    for field in fields(Config):
        owner = _dataclass_of(_types(Config)[field.name])
        if owner is None:
            continue
        lines += ["", f"## `{field.name}`", "", _sentence(owner), ""]
        lines += _table(declared(owner, field.name), default)
        if field.name == "judge":
            for name, schema in WITH_FIELDS.items():
                lines += ["", f"### `judge={name}`", "", _sentence(schema), ""]
                lines += _table(declared(schema, "judge"), composed(f"judge={name}"))
    return "\n".join(lines) + "\n"


def choices_page() -> str:
    """Every choice of every config group, by the first line of its file."""
    chosen = {
        group: name
        for entry in OmegaConf.load(CONF / "config.yaml").defaults
        if isinstance(entry, DictConfig)
        for group, name in entry.items()
    }
    lines: list[str] = []
    for group, purpose in GROUPS.items():
        lines += [f"## `{group}`", "", f"{purpose[0].upper()}{purpose[1:]}.", ""]
        lines += ["| choice | what it is |", "| --- | --- |"]
        for file in group_files(group):
            said = file.read_text(encoding="utf-8").splitlines()
            first = next(line for line in said if not line.startswith("# @")).lstrip("# ")
            mark = " (default)" if chosen.get(group) == file.stem else ""
            link = f"../../{file.relative_to(ROOT).as_posix()}"
            lines.append(f"| [`{group}={file.stem}`]({link}){mark} | {_cell(first)} |")
        lines.append("")
    return "\n".join(lines)


def composed(*overrides: str) -> DictConfig:
    """The configuration as the command line composes it."""
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def declared(owner: type, prefix: str = "") -> Iterator[Setting]:
    """The settings of a dataclass and of those inside it, in the order of their declarations."""
    notes = notes_of(owner)
    for field in fields(owner):
        path = f"{prefix}.{field.name}" if prefix else field.name
        kind = _types(owner)[field.name]
        inner = _dataclass_of(kind)
        if inner is not None and prefix:
            yield from declared(inner, path)
        elif inner is None:
            several = _values_of(kind)
            note = notes.get(field.name, "")
            default = UNSET if field.default is NO_DEFAULT else field.default
            yield Setting(path, _type_name(kind), note, _enum_of(kind), default)
            if several is not None:
                yield from declared(several, f"{path}.NAME")


def notes_of(owner: type) -> dict[str, str]:
    """What the source says of each field: the comments at it, or the docstring below it."""
    source = textwrap.dedent(inspect.getsource(owner))
    lines = source.splitlines()
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    alone = {number for number in comments if lines[number - 1].startswith("    #")}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    notes: dict[str, str] = {}
    for statement, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        first, last = statement.lineno, statement.end_lineno or statement.lineno
        above = _run_of(alone, first - 1, -1)
        own = [number for number in range(first, last + 1) if number in comments]
        below = _run_of(alone, last + 1, 1)
        if not (below and own and len(lines[last - 1]) > FULL and comments[below[0]][0].islower()):
            below = []  # it belongs to the next field
        alone -= set(below)
        said = [comments[number] for number in (*above, *own, *below)]
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said.append(" ".join(str(after.value.value).split()))
        notes[statement.target.id] = " ".join(said)
    return notes


def _run_of(alone: set[int], start: int, step: int) -> list[int]:
    """The lines from ``start`` on that hold a comment alone, in the order of the file."""
    run = []
    while start in alone:
        run.append(start)
        start += step
    return sorted(run)


def _table(settings: Iterator[Setting] | list[Setting], default: DictConfig) -> list[str]:
    lines = ["| setting | type | in the default run | what it is |", "| --- | --- | --- | --- |"]
    for setting in settings:
        note = setting.note or ("" if setting.choices else PRIMARY.get(setting.path, ""))
        if expected := EXPECTED.get(setting.path):
            note = f"{note.rstrip('.')}; {expected}" if note else expected
        if setting.choices is not None:
            names = _named(setting.choices)
            note = f"{note}<br>{names}" if note else names
        lines.append(
            f"| `{setting.path}` | {_cell(setting.type)} | {_value(setting, default)} "
            f"| {_cell(note)} |"
        )
    return lines


def _named(choices: type[StrEnum]) -> str:
    notes = _notes_of_enum(choices)
    return "<br>".join(
        f"`{choice.value}`{': ' + notes[choice.name] if choice.name in notes else ''}"
        for choice in choices
    )


def _notes_of_enum(choices: type[StrEnum]) -> dict[str, str]:
    notes = {}
    for line in inspect.getsource(choices).splitlines():
        code, mark, said = line.partition("  # ")
        if mark and "=" in code:
            notes[code.split("=")[0].strip()] = said.strip()
    return notes


def _value(setting: Setting, default: DictConfig) -> str:
    value = setting.default
    if ".NAME" not in setting.path:
        value = OmegaConf.select(default, setting.path)
    if isinstance(value, ListConfig | DictConfig):
        value = OmegaConf.to_container(value, resolve=True)
    if isinstance(value, Mapping):
        return f"of {', '.join(f'`{name}`' for name in value)}" if value else "none"
    text = {None: "null", True: "true", False: "false"}.get(value) if _is_plain(value) else None
    text = str(value) if text is None else text
    if text == UNSET:
        return ""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"`{text.replace('|', chr(92) + '|')}`" if text else "empty"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _types(owner: type) -> dict[str, Any]:
    return typing.get_type_hints(owner)


def _parts(kind: Any) -> tuple[Any, ...]:
    """A type without its None."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return tuple(part for part in typing.get_args(kind) if part is not types.NoneType)
    return (kind,)


def _dataclass_of(kind: Any) -> type | None:
    return next((part for part in _parts(kind) if is_dataclass(part)), None)


def _values_of(kind: Any) -> type | None:
    """The dataclass of a dictionary's values."""
    arguments = typing.get_args(_parts(kind)[0])
    values = arguments[-1] if arguments else None
    return values if isinstance(values, type) and is_dataclass(values) else None


def _enum_of(kind: Any) -> type[StrEnum] | None:
    part = _parts(kind)[0]
    return part if isinstance(part, type) and issubclass(part, StrEnum) else None


def _type_name(kind: Any) -> str:
    first = _parts(kind)[0]
    arguments = typing.get_args(first)
    if _enum_of(kind) is not None:
        name = "one of"
    elif typing.get_origin(first) is list:
        name = f"list of {arguments[0].__name__}"
    elif typing.get_origin(first) is dict:
        name = "by name"
    else:
        name = {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}.get(
            getattr(first, "__name__", ""), "any"
        )
    optional = types.NoneType in typing.get_args(kind)
    return f"{name}, or null" if optional else name


def _sentence(owner: type) -> str:
    return _cell(" ".join((owner.__doc__ or "").replace("``", "`").split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("&lt;br>", "<br>")
