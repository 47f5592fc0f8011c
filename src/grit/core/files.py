"""Files that appear whole or not at all."""

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
from typing import IO, Any

from grit.core.errors import GritError


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of ``path`` only when the block ends without an error.

    The text goes to a temporary file in the same folder, which is then renamed: a reader sees the
    old file or the new one, never a part of it.

    Raises:
        GritError: what is there is no file: see ``check_place``.
    """
    with _written_whole(path, "w") as stream:
        yield stream


def check_place(path: Path) -> None:
    """Refuse to put a file in the place of anything but a file or nothing.

    A link is not written through either: who names one may not know what it leads to, and what
    stores files behind links (DVC, git-annex) has them read-only for a reason.

    Raises:
        GritError: there is a link, a folder, a device, a pipe or a socket.
    """
    kind = "a link" if path.is_symlink() else None
    if kind is None and path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no file"
    if kind is not None:
        raise GritError(f"{path}: there is {kind}, and only a file is replaced: name another place")


@contextmanager
def _written_whole(path: Path, mode: str) -> Iterator[IO[Any]]:
    check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as stream:
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


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished file or folder its name, once its bytes are on the disk.

    A file takes the place of another in one go; a folder that is replaced is removed first.
    Raises GritError where there is anything else.
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
    """Wait until a folder's names are on the disk, where a system can do that."""
    with suppress(OSError):  # not on Windows, nor on every network file system
        _sync(folder)


def _sync(path: Path) -> None:
    """Wait until what a file or a folder holds is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


UNREADABLE = (RuntimeError, ValueError, LookupError, TypeError, EOFError, pickle.UnpicklingError)
"""What torch.load and a look into what it gives raise for a file that is no checkpoint of ours."""

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,  # a place that is outside the file
    RuntimeError,  # a feature, or a password, that no archive of torch has
    ValueError,
)


def archive_is_whole(path: Path) -> bool:
    """Whether ``path`` is a zip archive, as torch writes them, with all of its bytes as written."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except _DAMAGED:
        return False


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file whole."""
    with _written_whole(path, "wb") as stream:
        stream.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON; numbers that JSON cannot express are an error."""
    with written_whole(path) as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line."""
    with written_whole(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
