"""Who works in a folder: one run at a time.

A lock is ``flock`` on the file ``.lock``: it ends with the process that has it, however that ends.
Several hosts see each other's where their file system passes locks on, as NFS and Lustre do.
"""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grit.core.errors import GritError

try:
    import fcntl
except ImportError:  # not on every system that can train
    fcntl = None  # type: ignore[assignment]  # mypy knows a module alone by this name

log = logging.getLogger(__name__)
_NAME = ".lock"
_CANNOT = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of a file system without locks
_held: dict[Path, int] = {}  # open files


def hold(folder: Path) -> None:
    """Let nobody else work in ``folder`` until ``release``, or the end of the process.

    Raises:
        GritError: somebody else does; says who.
    """
    if not _take(folder):
        raise GritError(
            f"{folder}: another process works there ({_holder(folder)}): wait until it has ended, "
            "or end it"
        )


def share(folder: Path) -> None:
    """Take part in the lock of a run of several processes; the one that has it calls this too.

    Until the last of them has ended nobody else can ``hold`` the folder.
    """
    if fcntl is None or not folder.is_dir():  # on another host, which shares no folder
        return
    folder = folder.resolve()
    if folder not in _held:
        _held[folder] = _opened(folder / _NAME)
    with _without_locks(folder):
        fcntl.flock(_held[folder], fcntl.LOCK_SH)  # waits until the first process has come here


def release() -> None:
    """Give back all that this process holds; a file that nobody else has open goes too."""
    for folder, handle in list(_held.items()):
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / _NAME).unlink()
        os.close(handle)
        del _held[folder]


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Whether nobody else works in ``folder``, and then nobody else can until the block ends."""
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
        os.close(handle)  # who had it has removed it meanwhile
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
    """A file system that has no locks is said, and does without."""
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
