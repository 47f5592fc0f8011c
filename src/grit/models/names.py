"""The names of models that ``model.path`` and ``checkpoint`` take. Does not import torch (slow)."""

from pathlib import Path

from grit.core.errors import GritError

TINY = "tiny:"  # prefix of the models that the package ships


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a Hub id: ``ORG/NAME``, optionally with ``@REVISION``."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and "\\" not in name


def last_part(name: str) -> str:
    """What a model's path is called for short: its last part; "auto" for an empty path."""
    return Path(name).name or "auto"


def check_name(name: str, setting: str = "model.path") -> None:
    """Raise GritError for a folder that does not exist; the Hub is not asked."""
    if not name:
        raise GritError(f"{setting} is empty: model=auto needs {setting}=FOLDER or a Hub id")
    if not (name.startswith(TINY) or is_hub_id(name) or Path(name).is_dir()):
        raise GritError(f"{setting}={name}: there is no such folder")
