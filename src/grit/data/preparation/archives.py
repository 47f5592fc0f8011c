"""Reading certain members of untrusted zip and tar archives.

Nothing is written to a path from an archive: members are selected by name and passed on as bytes,
and an archive with a path that would leave its folder is refused. Sizes are bounded by what is
actually unpacked, not by what the archive states.
"""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from grit.data.pictures import Unusable

LARGEST_ARCHIVE = 8 * 2**30  # bytes, unpacked
LARGEST_READ = 128 * 2**20  # bytes at once
MOST_MEMBERS = 500_000
_ERRORS = (  # of damaged archives; RuntimeError: a password, or an unknown compression
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RuntimeError),
)


def read_members(
    path: Path,
    wanted: Collection[str],
    take: Callable[[str, bytes], None],
    *,
    largest_member: int,
    largest_archive: int = LARGEST_ARCHIVE,
) -> None:
    """Call ``take`` with name and content of every file whose last path part is in ``wanted``.

    The whole archive is checked before the first call.

    Args:
        path: of a zip or tar archive; a tar archive may be compressed by gzip.
        wanted: names without folders.
        take: is called with the name and the content.
        largest_member: bytes of a member.
        largest_archive: bytes of the unpacked archive.

    Raises:
        Unusable: the archive is damaged, has a path outside of its folder, or is too large.
    """
    files = _zip_files if zipfile.is_zipfile(path) else _tar_files
    try:
        for member, stream in files(path, frozenset(wanted), largest_archive):
            take(PurePosixPath(member).name, _content(stream, member, largest_member))
    except _ERRORS as error:
        reason = str(error) or type(error).__name__
        raise Unusable(f"the archive cannot be read: {reason}") from error


def _zip_files(path: Path, wanted: frozenset[str], largest: int) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_count(len(members))
        for member in members:
            _check_name(member.filename)
        if sum(member.file_size for member in members) > largest:
            raise _too_much(largest)
        for member in members:
            if not member.is_dir() and PurePosixPath(member.filename).name in wanted:
                with archive.open(member) as stream:
                    yield member.filename, stream


def _tar_files(path: Path, wanted: frozenset[str], largest: int) -> Iterator[tuple[str, IO[bytes]]]:
    with _open_tar(path, largest) as archive:
        for count, member in enumerate(archive, start=1):
            _check_count(count)
            _check_name(member.name)
            if not (member.isfile() or member.isdir()):
                raise Unusable(f"the archive holds {member.name!r}, which is no plain file")
        for member in archive:
            is_wanted = PurePosixPath(member.name).name in wanted
            stream = archive.extractfile(member) if is_wanted else None
            if stream is not None:
                yield member.name, stream


@contextmanager
def _open_tar(path: Path, largest: int) -> Iterator[tarfile.TarFile]:
    with ExitStack() as open_files:
        stream: IO[bytes] = open_files.enter_context(path.open("rb"))
        is_gzip = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if is_gzip:
            stream = cast(IO[bytes], open_files.enter_context(gzip.GzipFile(fileobj=stream)))
        bounded = cast(IO[bytes], _BoundedStream(stream, largest))
        yield open_files.enter_context(tarfile.open(fileobj=bounded, mode="r:"))


class _BoundedStream:
    """A stream that raises Unusable beyond ``largest`` bytes, and for a single read of too many.

    A few compressed bytes can state a header of any size, which tarfile would read at once.
    """

    def __init__(self, stream: IO[bytes], largest: int) -> None:
        self._stream, self._largest = stream, largest

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        if size > LARGEST_READ:
            raise Unusable(f"the archive has a part of more than {LARGEST_READ >> 20} MiB")
        content = self._stream.read(size)
        self._check(self.tell())
        return content

    def seek(self, position: int) -> int:
        """Move to ``position``."""
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        """The current position."""
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._largest:
            raise _too_much(self._largest)


def _content(stream: IO[bytes], name: str, largest: int) -> bytes:
    content = stream.read(largest + 1)
    if len(content) > largest:
        raise Unusable(f"{name!r} in the archive is larger than {largest >> 20} MiB")
    return content


def _check_count(count: int) -> None:
    if count > MOST_MEMBERS:
        raise Unusable(f"the archive has more than {MOST_MEMBERS} members")


def _check_name(name: str) -> None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise Unusable(f"the archive holds {name!r}, which would leave its folder")


def _too_much(largest: int) -> Unusable:
    return Unusable(f"the archive unpacks to more than {largest >> 20} MiB")
