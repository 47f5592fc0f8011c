"""Model folders: local ones, and those that the Hub has.

What is downloaded is weights, settings and vocabularies: never code.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import logging as hub_log

from grit.core.errors import GritError
from grit.models.folders import short
from grit.models.names import check_name

PATIENCE = 10.0  # seconds that the Hub has to answer at all
SETTINGS = ("*.json", "*.txt", "*.jinja", "*.model")
WEIGHTS = ("*.safetensors",)
COMMIT = re.compile("[0-9a-f]{40}")
_FAILURES = (OSError, HfHubHTTPError, HFValidationError, httpx2.HTTPError)

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would say a line for every request


def model_folder(
    name: str,
    revision: str | None = None,
    *,
    setting: str = "model.path",
    weights: bool = True,
) -> Path:
    """The local folder of a model, downloaded from the Hub where ``name`` is not a folder.

    Args:
        name: a folder, or a Hub id.
        revision: of the Hub.
        setting: which names the folder, for messages.
        weights: whether they are wanted too, besides settings and vocabulary.

    Raises:
        GritError: there is no such folder, and the Hub has it neither or cannot be reached.
    """
    if Path(name).is_dir():
        return Path(name)
    check_name(name, setting)
    wanted = [*SETTINGS, *(WEIGHTS if weights else ())]

    def downloaded(**where: Any) -> Path:
        with _quietly():
            return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, **where))

    try:
        HfApi().model_info(name, revision=revision, timeout=PATIENCE)
    except _FAILURES as error:
        return _cached(downloaded, _unreachable(setting, name, error))
    try:
        return downloaded()
    except _FAILURES as error:
        raise _unreachable(setting, name, error) from error


def commit_of(folder: Path) -> str | None:
    """The Hub's commit of a downloaded folder, or of what lies in it; None for any other."""
    places = [folder, *folder.absolute().parents]
    commits = (place.name for place in places if place.parent.name == "snapshots")
    return next((name for name in commits if COMMIT.fullmatch(name)), None)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the Hub's words on each attempt: what came of them is said in one line."""
    verbosity = hub_log.get_verbosity()
    hub_log.set_verbosity_error()
    try:
        yield
    finally:
        hub_log.set_verbosity(verbosity)


def _cached(downloaded: Callable[..., Path], unreachable: GritError) -> Path:
    """The folder of an earlier download, where the Hub cannot be reached now."""
    try:
        return downloaded(local_files_only=True)
    except _FAILURES:
        raise unreachable from unreachable.__cause__


def _unreachable(setting: str, name: str, error: Exception) -> GritError:
    found = GritError(
        f"{setting}={name}: no folder here, not in the local cache, and the Hub cannot give it "
        f"({short(error)}); check the name, the network, HF_ENDPOINT and HF_TOKEN, or download it "
        f"elsewhere with 'hf download {name}' and set {setting} to the folder"
    )
    found.__cause__ = error
    return found
