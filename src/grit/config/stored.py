"""Reading the configurations that runs have stored, which may come from other people.

A run resolves its configuration before it stores it. An interpolation in a stored file, such as
``${oc.env:OPENAI_API_KEY}``, would be resolved in the reader's environment, and its value would
appear in tables and logs. Files with interpolations are refused.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from grit.core.errors import GritError

if TYPE_CHECKING:
    from grit.config.schema import Config

_INTERPOLATION = "${"


def stored_configuration(path: Path) -> dict[str, Any]:
    """The values of a run's ``config.yaml``.

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
    return values


def stored_config(path: Path) -> "Config":
    """A run's ``config.yaml``, checked against the schema.

    Raises:
        GritError: as in ``stored_configuration``, or the values do not fit this version's schema.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from grit.config.configuration import checked  # imports Hydra

    values = stored_configuration(path)
    values.pop("pretrain", None)  # how its base was made is no matter of a run
    try:
        return checked(OmegaConf.create(values), stored=True)
    except OmegaConfBaseException as error:
        raise GritError(f"{path}: {error}") from error


def _is_interpolated(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_interpolated, (*value.keys(), *value.values())))
    if isinstance(value, list):
        return any(map(_is_interpolated, value))
    return isinstance(value, str) and _INTERPOLATION in value
