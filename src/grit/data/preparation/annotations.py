"""Files of annotations: from the Hub, or from the archives of TallyQA and Visual Genome."""

import json
import tempfile
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.core.files import write_bytes
from grit.data.jsonl import read_samples
from grit.data.photographs import add_coco_numbers
from grit.data.pictures import Unusable
from grit.data.preparation.archives import read_members
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.hub_data import HubDataset
from grit.data.preparation.paper import PaperFile
from grit.data.preparation.tallyqa import LARGEST_FILE

_LARGEST_ZIP = 256 * 2**20  # bytes


def download_rows(hub: HubDataset, file: PaperFile, root: Path) -> None:
    """Copy a file of rows from the Hub into ``root``, unchanged, after checking its rows.

    Raises:
        Unusable: it cannot be downloaded, or one of its rows is invalid.
    """
    local = hub.download(hub.matching(file.file)[0])
    try:
        read_samples(local, root / file.images, name=file.name, require_images=False)
    except GritError as error:
        raise Unusable(f"a row is not right: {error}") from error
    _write(root / file.file, local.read_bytes())


def download_tallyqa(downloads: Downloads, url: str, target: Path) -> None:
    """Download TallyQA's ``train.json`` to ``target``; raises Unusable."""
    _write(target, _zip_member(downloads, url, "train.json"))


def download_coco_numbers(downloads: Downloads, url: str, root: Path) -> None:
    """Record the COCO numbers of Visual Genome's images, from its own list of images.

    Raises:
        Unusable: the list cannot be downloaded or read.
    """
    content = _zip_member(downloads, url, "image_data.json")
    try:
        entries: list[dict[str, Any]] = json.loads(content)
        numbers = {
            f"vg/{int(entry['image_id'])}": int(entry["coco_id"])
            for entry in entries
            if entry.get("coco_id") is not None
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable("image_data.json is not the list of Visual Genome's images") from error
    if not numbers:
        raise Unusable("image_data.json names no image of COCO")
    add_coco_numbers(root, numbers)


def _zip_member(downloads: Downloads, url: str, member: str) -> bytes:
    """The content of one file in a zip archive."""
    content = downloads.get([url], limit=_LARGEST_ZIP, check=_check_zip)
    contents: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.zip"
        archive.write_bytes(content)
        read_members(archive, {member}, contents.__setitem__, largest_member=LARGEST_FILE)
    if member not in contents:
        raise Unusable(f"the archive has no {member}")
    return contents[member]


def _check_zip(content: bytes) -> None:
    if not content.startswith(b"PK"):
        raise Unusable("not a zip archive")


def _write(path: Path, content: bytes) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise GritError(f"{path}: cannot be written: {error.strerror}") from error
