"""What ``model.path`` and ``checkpoint`` can name. Without torch, which takes seconds to import."""

from pathlib import Path

from grit.core.errors import GritError

TINY = "tiny:"  # a model of the package


def is_hub_id(name: str) -> bool:
    """Whether a name can be one of the Hub's, ``ORG/NAME``, with ``@REVISION`` behind it or not."""
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and "\\" not in name


def check_name(name: str, setting: str = "model.path") -> None:
    """Raise GritError for a folder that is not there; what the Hub may have is asked for later."""
    if not (name.startswith(TINY) or is_hub_id(name) or Path(name).is_dir()):
        raise GritError(f"{setting}={name}: there is no such folder")
