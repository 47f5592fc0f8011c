"""Reading wanted members out of archives from elsewhere.

Nothing is ever written at a path that an archive gives: members are found by name, handed over as
bytes, and an archive with a member that would leave its folder is refused as a whole. What is
unpacked is bounded, whatever the archive says of its sizes.
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

from grit.data.preparation.pictures import Unusable

LARGEST_ARCHIVE = 8 * 2**30  # bytes, unpacked
LARGEST_READ = 128 * 2**20  # bytes at once
MOST_MEMBERS = 500_000
_BROKEN = (  # what the readers raise on damage; RuntimeError: a password, an unknown method
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
    """Hand every file of the zip or tar archive whose last path part is ``wanted`` to ``take``.

    The whole archive is looked over before the first file is taken.

    Raises:
        Unusable: the archive is damaged, escapes its folder, or unpacks to too much.
    """
    reading = _read_zip if zipfile.is_zipfile(path) else _read_tar
    try:
        reading(path, frozenset(wanted), take, largest_member, largest_archive)
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise Unusable(f"the archive cannot be read: {reason}") from error


def _read_zip(
    path: Path,
    wanted: frozenset[str],
    take: Callable[[str, bytes], None],
    largest_member: int,
    largest_archive: int,
) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_count(len(members))
        for member in members:
            _check_name(member.filename)
        if sum(member.file_size for member in members) > largest_archive:
            raise _too_much(largest_archive)
        for member in members:
            name = _leaf(member.filename)
            if not member.is_dir() and name in wanted:
                with archive.open(member) as stream:
                    take(name, _bounded(stream, member.filename, largest_member))


def _read_tar(
    path: Path,
    wanted: frozenset[str],
    take: Callable[[str, bytes], None],
    largest_member: int,
    largest_archive: int,
) -> None:
    with _open_tar(path, largest_archive) as archive:
        for count, member in enumerate(archive, start=1):
            _check_count(count)
            _check_name(member.name)
            if not (member.isfile() or member.isdir()):
                raise Unusable(f"the archive holds {member.name!r}, which is no plain file")
    with _open_tar(path, largest_archive) as archive:
        for member in archive:
            name = _leaf(member.name)
            stream = archive.extractfile(member) if name in wanted else None
            if stream is not None:
                take(name, _bounded(stream, member.name, largest_member))


@contextmanager
def _open_tar(path: Path, largest: int) -> Iterator[tarfile.TarFile]:
    with ExitStack() as open_files:
        stream: IO[bytes] = open_files.enter_context(path.open("rb"))
        is_gzip = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if is_gzip:
            stream = cast(IO[bytes], open_files.enter_context(gzip.GzipFile(fileobj=stream)))
        meter = cast(IO[bytes], _Meter(stream, largest))
        yield open_files.enter_context(tarfile.open(fileobj=meter, mode="r:"))


class _Meter:
    """A stream that ends in an error after ``largest`` bytes, and at any absurd single read.

    A few packed bytes may claim a header of any size, which tarfile would read at once.
    """

    def __init__(self, stream: IO[bytes], largest: int) -> None:
        self._stream, self._largest = stream, largest

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        if size > LARGEST_READ:
            raise Unusable(f"the archive has a part of more than {LARGEST_READ >> 20} MiB")
        found = self._stream.read(size)
        self._check(self.tell())
        return found

    def seek(self, position: int) -> int:
        """Go on at ``position``."""
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        """How far the stream is read."""
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._largest:
            raise _too_much(self._largest)


def _bounded(stream: IO[bytes], name: str, largest: int) -> bytes:
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


def _leaf(name: str) -> str:
    return PurePosixPath(name).name


def _too_much(largest: int) -> Unusable:
    return Unusable(f"the archive unpacks to more than {largest >> 20} MiB")
