"""Locks on folders, so that one run at a time works in each.

A lock is ``flock`` on the file ``.lock``; the operating system releases it when its process ends,
for whatever reason. Hosts see each other's locks if their shared file system supports that, as NFS
and Lustre do.
"""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from grit.core.errors import GritError

try:
    import fcntl
except ImportError:  # not on every system that can train
    fcntl = None  # type: ignore[assignment]  # mypy expects a module

log = logging.getLogger(__name__)
_NAME = ".lock"
_CANNOT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # the file system has no locks
_held: dict[Path, int] = {}  # folder -> file descriptor of its lock


def hold(folder: Path) -> None:
    """Lock ``folder`` for this process until ``release`` or the end of the process.

    Raises:
        GritError: another process has the lock; the message names it.
    """
    if not _take(folder):
        raise GritError(
            f"{folder}: another process works there ({_holder(folder)}): wait until it has ended, "
            "or end it"
        )


def share(folder: Path) -> None:
    """Share the lock of a run among its ranks; the rank that called ``hold`` calls this too.

    No other run can ``hold`` the folder until the last of these ranks has ended.
    """
    if fcntl is None or not folder.is_dir():  # a host without the shared folder
        return
    folder = folder.resolve()
    if folder not in _held:
        _held[folder] = _opened(folder / _NAME)
    with _without_locks(folder):
        fcntl.flock(_held[folder], fcntl.LOCK_SH)  # waits for the rank that called `hold`


def release() -> None:
    """Release all locks of this process, and remove lock files that no other process has locked."""
    for folder, handle in list(_held.items()):
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / _NAME).unlink()
        os.close(handle)
        del _held[folder]


def take_turns(stream: BinaryIO) -> None:
    """Wait until no other process has an open file that it took its turn for.

    Appending alone is not atomic on NFS.
    """
    if fcntl is not None:
        with _without_locks(Path(stream.name).parent):
            fcntl.flock(stream, fcntl.LOCK_EX)  # ends as the file is closed


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Lock ``folder`` until the block ends, if it is free.

    Yields:
        Whether it was free; False too if this process has locked it already.
    """
    free = folder.resolve() not in _held and _take(folder)
    try:
        yield free
    finally:
        if free:
            release()


def _take(folder: Path) -> bool:
    folder = folder.resolve()
    if fcntl is None or folder in _held:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _NAME
    while True:
        handle = _opened(path)
        try:
            with _without_locks(folder):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        if _is_at(handle, path):
            break
        os.close(handle)  # its previous holder has removed the file
    os.ftruncate(handle, 0)
    os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
    _held[folder] = handle
    return True


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _without_locks(folder: Path) -> Iterator[None]:
    """Warn where the file system has no locks, and go on without one."""
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        log.warning("%s: its file system has no locks: let no two runs work there", folder)


def _holder(folder: Path) -> str:
    try:
        return (folder / _NAME).read_text() or "it has just begun"
    except OSError:
        return "it has just ended"
