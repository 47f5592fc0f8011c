"""What to say where a file system is full."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
# Libraries that are not written in Python say it in words.
_SAID = re.compile(r"No space left on device|Disk quota exceeded|database or disk is full")


@contextmanager
def needing(what: str, size: int) -> Iterator[None]:
    """Let a fault of the block know how many bytes ``what`` takes, should it be want of space."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{what} takes {readable(size)}")
        raise


def full(error: BaseException, folder: Path) -> str | None:
    """What is full and what is needed, where an error came of that; else None.

    Args:
        error: what writing into ``folder`` has ended in, maybe as the cause of something else.
        folder: of the run.
    """
    chain = list(_chain(error))
    if not any(_is_full(each) for each in chain):
        return None
    mount = folder.resolve()
    while not os.path.ismount(mount):
        mount = mount.parent
    space = shutil.disk_usage(mount)
    notes = dict.fromkeys(note for each in chain for note in getattr(each, "__notes__", ()))
    left = f"{readable(space.free)} of {readable(space.total)} are free there"
    return "; ".join([f"no space is left on {mount} for {folder}: {left}", *notes])


def readable(size: int) -> str:
    """A number of bytes for people."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def _is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in _FULL or bool(_SAID.search(str(error)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
