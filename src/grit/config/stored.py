"""Reading the configurations that runs have stored, which may come from other people.

A run resolves its configuration before it stores it. An interpolation in a stored file, such as
``${oc.env:OPENAI_API_KEY}``, would be resolved in the reader's environment, and its value would
appear in tables and logs. Files with interpolations are refused. Former versions have stored
settings by other names and with other values, which are read as the present ones.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from grit.core.errors import GritError

if TYPE_CHECKING:
    from grit.config.schema import Config

_INTERPOLATION = "${"
RENAMED = {
    "training.sampling": "rollout.sampling",
    "training.share_prefill": "rollout.share_prefill",
    "training.compact_rollout": "rollout.compact",
    "training.decode": "rollout.decode",
    "training.tokens_per_rollout_batch": "rollout.tokens_per_batch",
}
"""Former path -> present path; the settings below a group keep their names."""
_GONE = {("rollout", "decode", "compiled"): "auto"}
"""Group, setting and value that went -> the value that gives the same tokens."""


def stored_configuration(path: Path) -> dict[str, Any]:
    """The values of a run's ``config.yaml``, by the present names of settings.

    Raises:
        GritError: it cannot be read, is not a YAML object, or has an interpolation.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise GritError(f"{path}: cannot be read: {reason}") from error
    if not isinstance(values, dict):
        raise GritError(f"{path}: expected an object, found {values!r:.60}")
    # The values are searched too: YAML's escapes can write it as "\x24{".
    if _INTERPOLATION in text or _is_interpolated(values):
        raise GritError(
            f"{path}: has an interpolation ({_INTERPOLATION}...), which no run stores: it would "
            "read this machine's environment; write the value instead"
        )
    return _with_present_names(values)


def stored_config(path: Path) -> "Config":
    """A run's ``config.yaml``, checked against the schema.

    Raises:
        GritError: as in ``stored_configuration``, or the values do not fit this version's schema.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from grit.config.configuration import checked  # imports Hydra

    values = stored_configuration(path)
    # How its base was made is no matter of a run, and former versions stored nulls there.
    values.pop("pretrain", None)
    try:
        return checked(OmegaConf.create(values))
    except OmegaConfBaseException as error:
        raise GritError(f"{path}: {error}") from error


def present_name(path: str) -> str | None:
    """The present path of a former setting; None if it has none."""
    for former, present in RENAMED.items():
        if path == former or path.startswith(f"{former}."):
            return present + path.removeprefix(former)
    return None


def _with_present_names(values: dict[str, Any]) -> dict[str, Any]:
    """A stored configuration by present names; ``values`` are not changed."""
    groups = {name: dict(group) for name, group in values.items() if isinstance(group, dict)}
    for former, present in RENAMED.items():
        (group, name), (new_group, new_name) = former.split("."), present.split(".")
        if name in groups.get(group, {}):
            groups.setdefault(new_group, {})[new_name] = groups[group].pop(name)
    for (group, name, former), present in _GONE.items():
        if groups.get(group, {}).get(name) == former:
            groups[group][name] = present
    data = groups.get("data", {})
    sources = data.get("sources")
    if data.get("total") is not None and isinstance(sources, dict) and sources:
        # The last source makes up the total: the size that former versions stored meant nothing.
        name, last = list(sources.items())[-1]
        if isinstance(last, dict) and last.get("file"):
            data["sources"] = sources | {name: last | {"rows": None}}
    return values | groups


def _is_interpolated(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_interpolated, (*value.keys(), *value.values())))
    if isinstance(value, list):
        return any(map(_is_interpolated, value))
    return isinstance(value, str) and _INTERPOLATION in value
