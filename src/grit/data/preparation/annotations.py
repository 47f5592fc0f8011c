"""The files of rows: from the Hub, or converted from what TallyQA and Visual Genome give out."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.core.files import write_bytes
from grit.data.jsonl import read_samples
from grit.data.photographs import add_coco_numbers
from grit.data.preparation.archives import read_members
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.hub import HubDataset
from grit.data.preparation.paper import PaperFile
from grit.data.preparation.pictures import Unusable
from grit.data.preparation.tallyqa import LARGEST_FILE

_LARGEST_ZIP = 256 * 2**20  # bytes


def take_rows(hub: HubDataset, file: PaperFile, root: Path) -> None:
    """Put a file of rows into ``root`` as the Hub has it, after reading all of it.

    Raises:
        Unusable: it cannot be had, or its rows are not right.
    """
    local = hub.download(hub.matching(file.file)[0])
    try:
        read_samples(local, root / file.images, name=file.name, require_images=False)
    except GritError as error:
        raise Unusable(f"a row is not right: {error}") from error
    _write(root / file.file, local.read_bytes())


def take_tallyqa(downloads: Downloads, url: str, target: Path) -> None:
    """Put TallyQA's ``train.json`` at ``target``; raises Unusable."""
    _write(target, _zipped(downloads, url, "train.json"))


def take_coco_numbers(downloads: Downloads, url: str, root: Path) -> None:
    """Note which photographs of Visual Genome are in COCO, as its own list of images says.

    Raises:
        Unusable: the list cannot be had or read.
    """
    content = _zipped(downloads, url, "image_data.json")
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


def _zipped(downloads: Downloads, url: str, member: str) -> bytes:
    """The content of one file of a zip archive."""
    content, _ = downloads.get([url], limit=_LARGEST_ZIP, understand=_is_zip)
    found: dict[str, bytes] = {}
    take: Callable[[str, bytes], None] = found.__setitem__
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.zip"
        archive.write_bytes(content)
        read_members(archive, {member}, take, largest_member=LARGEST_FILE)
    if member not in found:
        raise Unusable(f"the archive has no {member}")
    return found[member]


def _is_zip(content: bytes) -> None:
    if not content.startswith(b"PK"):
        raise Unusable("not a zip archive")


def _write(path: Path, content: bytes) -> None:
    try:
        write_bytes(path, content)
    except OSError as error:
        raise GritError(f"{path}: cannot be written: {error.strerror}") from error
