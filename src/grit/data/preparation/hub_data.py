"""Files of data sets on the Hugging Face Hub, downloaded by huggingface_hub.

So they are in its cache (``HF_HOME``), downloads resume, and ``HF_ENDPOINT`` and ``HF_TOKEN`` hold.
"""

import hashlib
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoSibling

from grit.core.files import file_hash
from grit.data.pictures import Unusable

_TIMEOUT = 10.0  # seconds for the first answer of the Hub
_ERRORS = (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx2.HTTPError)


class HubDataset:
    """The repository of a data set."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def page(self) -> str:
        """Its web page."""
        return f"{constants.ENDPOINT}/datasets/{self.name}"

    def matching(self, pattern: str) -> list[str]:
        """The files whose name matches ``pattern``, sorted; raises Unusable if there are none."""
        paths = sorted(path for path in self._files if fnmatch(path.rsplit("/", 1)[-1], pattern))
        if not paths:
            raise Unusable(f"{self.name} has no file {pattern}")
        return paths

    def download(self, path: str) -> Path:
        """The local copy of a file, whose checksum is that of the Hub.

        Raises:
            Unusable: it cannot be downloaded.
        """
        stated = self._files[path]
        try:
            local = Path(hf_hub_download(self.name, path, repo_type="dataset"))
            if not _is_whole(local, stated):
                local = Path(
                    hf_hub_download(self.name, path, repo_type="dataset", force_download=True)
                )
                if not _is_whole(local, stated):
                    raise Unusable(f"{path} does not have the checksum that the Hub states")
        except _ERRORS as error:
            raise self._unusable(error) from error
        return local

    @cached_property
    def _listing(self) -> dict[str, RepoSibling] | Unusable:
        """The files by their path, or the error, so that the Hub is asked only once."""
        try:
            info = HfApi().dataset_info(self.name, files_metadata=True, timeout=_TIMEOUT)
        except _ERRORS as error:
            return self._unusable(error)
        return {entry.rfilename: entry for entry in info.siblings or ()}

    @property
    def _files(self) -> dict[str, RepoSibling]:
        if isinstance(self._listing, Unusable):
            raise Unusable(str(self._listing))
        return self._listing

    def _unusable(self, error: Exception) -> Unusable:
        if isinstance(error, GatedRepoError):
            return Unusable(
                f"{self.name} asks for its terms to be accepted first, and for HF_TOKEN"
            )
        if isinstance(error, RepositoryNotFoundError):
            return Unusable(f"the Hub has no data set {self.name}")
        if isinstance(error, HfHubHTTPError) and error.response is not None:
            return Unusable(f"the Hub answers {error.response.status_code}")
        reason = str(error).strip().splitlines()
        return Unusable(f"the Hub cannot give it ({reason[0] if reason else type(error).__name__})")


def _is_whole(local: Path, stated: RepoSibling) -> bool:
    """Whether a file has the checksum that the Hub states: SHA-256, or Git's where not in LFS."""
    if stated.lfs is not None:
        return file_hash(local) == stated.lfs.sha256
    content = local.read_bytes()
    of_git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return stated.blob_id in (None, of_git.hexdigest())
