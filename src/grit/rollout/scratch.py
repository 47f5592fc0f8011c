"""Folders through which weights go to servers, which a killed run leaves behind, in memory."""

import os
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

try:
    import fcntl
except ImportError:  # not on every system that can train
    fcntl = None  # type: ignore[assignment]  # mypy expects a module

_PREFIX = f"grit-weights-{socket.gethostname()}-"  # a file system may keep a host's locks there
_LOCK = ".lock"


class Scratch:
    """A new folder below ``root``, and the end of those there whose processes have ended.

    The operating system releases a folder's lock when its process ends, for whatever reason.
    """

    def __init__(self, root: Path) -> None:
        for left in root.glob(f"{_PREFIX}*"):
            _remove_left(left)
        self.path = Path(mkdtemp(prefix=_PREFIX, dir=root))
        # By its name only once it is locked: a folder without one is being made.
        new = self.path / f"{_LOCK}.new"
        self._lock = os.open(new, os.O_CREAT | os.O_RDWR)
        if fcntl is not None:
            with suppress(OSError):  # the file system has no locks: nothing is removed then
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                new.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        os.close(self._lock)  # first: NFS keeps a file that is open, and its folder
        shutil.rmtree(self.path, ignore_errors=True)


def _remove_left(folder: Path) -> None:
    """Remove the folder of a process that has ended; of any other it has the lock."""
    if fcntl is None:
        return
    with suppress(OSError):  # it has no lock yet, is another user's, or is locked
        handle = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)
