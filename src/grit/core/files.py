"""Files: atomic writes, by which a file appears whole or not at all, hashes, scratch folders."""

import hashlib
import json
import os
import pickle
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal

from grit.core.errors import GritError


@contextmanager
def written_whole(path: Path, mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """Open a file that replaces ``path`` only if the block ends without an error.

    It is written to a temporary file in the same folder, which is then renamed: a reader sees the
    old file or the new one, never a part of it.

    Args:
        path: of the file; missing folders above it are made.
        mode: ``w`` for text, ``wb`` for bytes.

    Raises:
        GritError: ``path`` exists and is not a file: see ``check_place``.
    """
    check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, mode, encoding=None if mode == "wb" else "utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes files that only their owner may read
        temporary.replace(path)
        _sync_names(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder, which goes with the block; what is in it stays if an error ends that.

    The error may name a log there.
    """
    folder = Path(tempfile.mkdtemp(prefix="grit-"))
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # it is not empty
            folder.rmdir()
        raise
    shutil.rmtree(folder, ignore_errors=True)


def check_place(path: Path) -> None:
    """Check that ``path`` is a regular file or does not exist.

    Symbolic links are refused too: users may not know their targets, and tools that store files
    behind links (DVC, git-annex) keep the targets read-only on purpose.

    Raises:
        GritError: ``path`` is a link, a folder, a device, a pipe or a socket.
    """
    kind = "a link" if path.is_symlink() else None
    if kind is None and path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no file"
    if kind is not None:
        raise GritError(f"{path}: there is {kind}, and only a file is replaced: name another place")


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a finished file or folder to ``path``, after its bytes are on the disk (fsync).

    A file is replaced atomically; a folder is removed first.

    Raises:
        GritError: ``path`` is neither a file nor a folder: see ``check_place``.
    """
    if path.is_symlink() or not path.is_dir():
        check_place(path)
    for each in (temporary, *temporary.rglob("*")):
        (_sync_names if each.is_dir() else _sync)(each)
    if path.is_dir():
        shutil.rmtree(path)
    temporary.replace(path)
    _sync_names(path.parent)


def _sync_names(folder: Path) -> None:
    """Wait until a folder's entries are on the disk, where the system supports that."""
    with suppress(OSError):  # not on Windows, nor on every network file system
        _sync(folder)


def _sync(path: Path) -> None:
    """Wait until the contents of a file or a folder are on the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


UNREADABLE = (RuntimeError, ValueError, LookupError, TypeError, EOFError, pickle.UnpicklingError)
"""Raised by ``torch.load``, or on reading its result, for a file that is not our checkpoint."""

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,  # an offset outside the file
    RuntimeError,  # encryption or a zip feature that torch does not use
    ValueError,
)


def archive_is_whole(path: Path) -> bool:
    """Whether ``path`` is a zip archive (torch's file format) whose checksums are all right."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except _DAMAGED:
        return False


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file atomically."""
    with written_whole(path, "wb") as stream:
        stream.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with written_whole(path) as stream:
        stream.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` atomically as indented JSON; NaN and infinity raise ValueError."""
    with written_whole(path) as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line, atomically; NaN and infinity raise ValueError."""
    with written_whole(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
