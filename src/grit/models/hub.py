"""Model folders: local ones, downloads from the Hugging Face Hub, and uploads to it.

Only weights, settings and vocabularies are downloaded, never code.
"""

import logging
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
)
from huggingface_hub.utils import logging as hub_log

from grit.core.errors import GritError
from grit.models.folders import short
from grit.models.names import check_name, is_hub_id

TIMEOUT = 10.0  # seconds for the first answer of the Hub
SETTINGS = ("*.json", "*.txt", "*.jinja", "*.model")
WEIGHTS = ("*.safetensors",)
COMMIT = re.compile("[0-9a-f]{40}")
_OF_A_MODEL = (*WEIGHTS, "*.safetensors.index.json", "*config.json")  # what decides how it loads
_ERRORS = (OSError, HfHubHTTPError, HFValidationError, httpx2.HTTPError)

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every request otherwise


def model_folder(
    name: str,
    revision: str | None = None,
    *,
    setting: str = "model.path",
    weights: bool = True,
) -> Path:
    """The local folder of a model, downloaded from the Hub if ``name`` is not a folder.

    Args:
        name: a folder, or a Hub id.
        revision: branch, tag or commit on the Hub.
        setting: that has the name, for messages.
        weights: whether to download weights besides settings and vocabulary.

    Raises:
        GritError: it is neither a folder nor on the Hub, or the Hub cannot be reached.
    """
    if name and Path(name).is_dir():
        return Path(name)
    check_name(name, setting)
    patterns = [*SETTINGS, *(WEIGHTS if weights else ())]

    def download(**options: Any) -> Path:
        with _without_warnings():
            return Path(
                snapshot_download(name, revision=revision, allow_patterns=patterns, **options)
            )

    try:
        HfApi().model_info(name, revision=revision, timeout=TIMEOUT)
    except _ERRORS as error:
        return _cached(download, _unreachable(setting, name, error))
    try:
        return download()
    except _ERRORS as error:
        raise _unreachable(setting, name, error) from error


def commit_of(folder: Path) -> str | None:
    """The Hub's commit of a downloaded folder, or of a path in it; None for any other."""
    paths = [folder, *folder.absolute().parents]
    commits = (path.name for path in paths if path.parent.name == "snapshots")
    return next((name for name in commits if COMMIT.fullmatch(name)), None)


def licence_of(name: str, revision: str | None = None) -> dict[str, str]:
    """The fields ``license``, ``license_name`` and ``license_link`` of a model's card on the Hub.

    Empty if the Hub cannot be reached or the card has none.
    """
    try:
        with _without_warnings():
            info = HfApi().model_info(name, revision=revision, timeout=TIMEOUT)
    except _ERRORS:
        return {}
    card = {} if info.card_data is None else info.card_data.to_dict()
    fields = ("license", "license_name", "license_link")
    return {field: str(card[field]) for field in fields if card.get(field)}


def check_upload(name: str) -> None:
    """Check a name to upload to, and that the Hub knows the token of HF_TOKEN.

    Raises:
        GritError: the name is no Hub id, or nobody is logged in, or the Hub does not answer.
    """
    if not is_hub_id(name) or "@" in name:
        raise GritError(f"push={name}: expected ORG/NAME, a repository of the Hub")
    try:
        with _without_warnings():
            HfApi().whoami()
    except LocalTokenNotFoundError as error:
        raise GritError(f"push={name}: the Hub needs a token: set HF_TOKEN") from error
    except _ERRORS as error:
        raise GritError(
            f"push={name}: the Hub does not take this token, or cannot be reached "
            f"({short(error)}); check HF_TOKEN, the network and HF_ENDPOINT"
        ) from error


def upload(folder: Path, name: str, *, private: bool) -> str:
    """Upload a model folder as one commit to a repository, which is made if there is none.

    Weights and settings of another model that are there are deleted: an adapter beside whole
    weights, say, would be loaded in their place.

    Args:
        folder: of the model; files of a dot are left out.
        name: Hub id.
        private: a repository that is made.

    Returns:
        The address of the commit.

    Raises:
        GritError: the Hub refuses it, or cannot be reached; the folder stays.
    """
    api = HfApi()
    others: list[str] = []
    try:
        with _without_warnings():
            api.create_repo(name, private=private, exist_ok=True)
            others = [path for path in api.list_repo_files(name) if _is_of_a_model(path)]
            commit = api.upload_folder(
                repo_id=name,
                folder_path=folder,
                commit_message="A model of the GRIT suite",
                ignore_patterns=[".*"],
                delete_patterns=others,  # those that are not replaced
            )
    except (*_ERRORS, ValueError, RuntimeError) as error:
        options = [*(["--private"] if private else []), *(f"--delete={path}" for path in others)]
        again = shlex.join(["hf", "upload", name, str(folder), *options])
        raise GritError(
            f"push={name}: the Hub did not take it ({short(error)}); {folder} is complete: "
            f"'{again}' tries again"
        ) from error
    return str(commit.commit_url)


def _is_of_a_model(path: str) -> bool:
    """Whether a repository's file, not one of its folders', decides what is loaded from it."""
    return "/" not in path and any(fnmatch(path, pattern) for pattern in _OF_A_MODEL)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide huggingface_hub's warnings of single attempts: the result is reported in one line."""
    verbosity = hub_log.get_verbosity()
    hub_log.set_verbosity_error()
    try:
        yield
    finally:
        hub_log.set_verbosity(verbosity)


def _cached(download: Callable[..., Path], unreachable: GritError) -> Path:
    """The folder of an earlier download; raises ``unreachable`` if there is none."""
    try:
        return download(local_files_only=True)
    except _ERRORS:
        raise unreachable from unreachable.__cause__


def _unreachable(setting: str, name: str, error: Exception) -> GritError:
    unreachable = GritError(
        f"{setting}={name}: no folder here, not in the local cache, and the Hub cannot give it "
        f"({short(error)}); check the name, the network, HF_ENDPOINT and HF_TOKEN, or download it "
        f"elsewhere with 'hf download {name}' and set {setting} to the folder"
    )
    unreachable.__cause__ = error
    return unreachable
