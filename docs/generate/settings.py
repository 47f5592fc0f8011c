"""The reference pages of the settings, written from their declarations and from ``conf/``.

Values are those of the composed configuration, so that none of these pages can say anything else
than the program does.
"""

from collections.abc import Iterable
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, ListConfig, OmegaConf

from grit.config.configuration import CONF, GROUPS, ROOT, group_files, register
from grit.config.schema import Config
from grit.core.settings import ENTRY, UNSET, Setting, declared, group_of, groups_of, type_name
from grit.judge.settings import WITH_FIELDS

LONGEST = 60  # characters of a value in a table


def settings_page() -> str:
    """Every setting by its section: type, value of ``python -m grit``, range, what it is for."""
    default = composed()
    top = [setting for setting in declared(Config) if "." not in setting.path]
    own = [setting for setting in top if group_of(setting.kind) is None]
    lines = ["## The run itself", "", *_table(own, default)]
    for section in (setting for setting in top if group_of(setting.kind) is not None):
        owner = groups_of(section.kind)[0]
        lines += ["", f"## `{section.path}`", "", _sentence(owner), ""]
        lines += _table(declared(owner, f"{section.path}."), default)
        if section.path == "judge":
            for name, schema in WITH_FIELDS.items():
                lines += ["", f"### `judge={name}`", "", _sentence(schema), ""]
                lines += _table(declared(schema, "judge."), composed(f"judge={name}"))
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


def _table(settings: Iterable[Setting], default: DictConfig) -> list[str]:
    lines = ["| setting | type | in the default run | what it is |", "| --- | --- | --- | --- |"]
    for setting in settings:
        if group_of(setting.kind) is not None:
            continue  # its own settings follow it
        said = "; ".join(filter(None, (setting.about, setting.expected)))
        kind, value = _cell(type_name(setting.kind)), _value(setting, default)
        lines.append(f"| `{setting.path}` | {kind} | {value} | {_cell(said)} |")
    return lines


def _value(setting: Setting, default: DictConfig) -> str:
    value = setting.default
    if f".{ENTRY}" not in setting.path:
        value = OmegaConf.select(default, setting.path)
    if isinstance(value, ListConfig | DictConfig):
        value = OmegaConf.to_container(value, resolve=True)
    if isinstance(value, dict):
        return f"of {', '.join(f'`{name}`' for name in value)}" if value else "none"
    text = {None: "null", True: "true", False: "false"}.get(value) if _is_plain(value) else None
    text = str(value) if text is None else text
    if text == UNSET:
        return ""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"`{text.replace('|', chr(92) + '|')}`" if text else "empty"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _sentence(owner: type) -> str:
    return _cell(" ".join((owner.__doc__ or "").replace("``", "`").split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
