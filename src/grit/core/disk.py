"""Messages about a full file system."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grit.core.errors import GritError, Resumable

_FULL = (errno.ENOSPC, errno.EDQUOT)
# Native libraries raise other exceptions, with one of these texts.
_SAID = re.compile(r"No space left on device|Disk quota exceeded|database or disk is full")


@contextmanager
def needing(what: str, size: int) -> Iterator[None]:
    """Add a note to an exception of the block: ``what`` takes ``size`` bytes.

    ``full`` repeats the note in its message if the disk was full.
    """
    try:
        yield
    except Exception as error:
        error.add_note(f"{what} takes {readable(size)}")
        raise


@contextmanager
def refusing_if_full(what: str, size: int, place: Path, mend: str) -> Iterator[None]:
    """Raise Resumable if the block finds ``place`` full: ``what`` takes ``size`` bytes."""
    is_lacking = False
    try:
        yield
    except Exception as error:  # safetensors has a class of its own
        is_lacking = is_full(error)
        if not is_lacking:
            raise
    if is_lacking:
        raise Resumable(f"{what} takes {readable(size)}, and {place} has no room for it: {mend}")


def full(error: BaseException, folder: Path) -> str | None:
    """Describe which file system is full and what was to be written.

    A file outside the run's folder is named: a download or an output may be on another disk.

    Args:
        error: raised while writing; its causes are searched too.
        folder: the run's folder.

    Returns:
        One line; None if the error was not caused by a full disk or an exceeded quota.
    """
    chain = list(_chain(error))
    causes = [each for each in chain if is_full(each)]
    if not causes:
        return None
    notes = dict.fromkeys(note for each in chain for note in getattr(each, "__notes__", ()))
    written = [name for each in causes if isinstance(name := getattr(each, "filename", None), str)]
    if isinstance(error, GritError) and not written:  # it says what it could not write, and where
        return "; ".join([f"{error}: no space is left there", *notes])
    inside = not written or Path(written[0]).resolve().is_relative_to(folder.resolve())
    place = folder if inside else Path(written[0])
    mount = place.resolve()
    while not os.path.ismount(mount):
        mount = mount.parent
    space = shutil.disk_usage(mount)
    left = f"{readable(space.free)} of {readable(space.total)} are free there"
    return "; ".join([f"no space is left on {mount} for {place}: {left}", *notes])


def readable(size: int) -> str:
    """A number of bytes with a unit and three significant digits: ``1.5 GB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"


def is_full(error: BaseException) -> bool:
    """Whether an error says that a file system is full, or a quota exceeded."""
    return getattr(error, "errno", None) in _FULL or bool(_SAID.search(str(error)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its chain of causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
