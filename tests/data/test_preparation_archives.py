import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from grit.data.pictures import Unusable
from grit.data.preparation.archives import read_members

Members = dict[str, bytes]


def tar(path: Path, members: Members, *odd: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        for info in odd:
            archive.addfile(info)
    return path


def zipped(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def taken(path: Path, *wanted: str, member: int = 1000, archive: int = 10**6) -> Members:
    found: Members = {}
    read_members(path, wanted, found.__setitem__, largest_member=member, largest_archive=archive)
    return found


MAKERS = {
    "tar.gz": tar,
    "tar": lambda path, members: tar(path, members, mode="w"),
    "zip": zipped,
}


@pytest.mark.parametrize("maker", MAKERS)
def test_wanted_files_are_found_by_name_wherever_they_lie(tmp_path: Path, maker: str) -> None:
    members = {"position/a.jpg": b"a", "b.jpg": b"b", "./deep/er/c.jpg": b"c", "d.jpg": b"d"}
    path = MAKERS[maker](tmp_path / "archive", members)
    found = taken(path, "a.jpg", "b.jpg", "c.jpg", "nowhere.jpg")
    assert found == {"a.jpg": b"a", "b.jpg": b"b", "c.jpg": b"c"}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    "name", ["../a.jpg", "x/../../a.jpg", "/tmp/a.jpg", "C:\\a.jpg", "..\\a.jpg", "\\\\host\\a.jpg"]
)
def test_an_archive_that_leaves_its_folder_is_refused_as_a_whole(
    tmp_path: Path, maker: str, name: str
) -> None:
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    path = MAKERS[maker](folder / "archive", {"good.jpg": b"good", name: b"bad"})
    before = set(tmp_path.rglob("*"))
    kept: Members = {}
    with pytest.raises(Unusable, match="would leave its folder"):
        read_members(path, {"good.jpg", "a.jpg"}, kept.__setitem__, largest_member=9)
    assert kept == {}
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "odd",
    [
        link("a.jpg", "/etc/passwd"),
        link("a.jpg", "b.jpg", tarfile.LNKTYPE),
        link("a.jpg", "", tarfile.CHRTYPE),
        link("a.jpg", "", tarfile.FIFOTYPE),
    ],
    ids=["link", "hard link", "device", "pipe"],
)
def test_links_and_devices_are_refused(tmp_path: Path, odd: tarfile.TarInfo) -> None:
    path = tar(tmp_path / "archive", {"b.jpg": b"b"}, odd)
    with pytest.raises(Unusable, match=r"'a\.jpg', which is no plain file"):
        taken(path, "a.jpg", "b.jpg")


@pytest.mark.parametrize("maker", MAKERS)
def test_a_file_is_bounded(tmp_path: Path, maker: str) -> None:
    path = MAKERS[maker](tmp_path / "archive", {"a.jpg": bytes(1001)})
    with pytest.raises(Unusable, match=r"'a\.jpg' in the archive is larger"):
        taken(path, "a.jpg")


@pytest.mark.parametrize("maker", MAKERS)
def test_a_bomb_is_not_unpacked(tmp_path: Path, maker: str) -> None:
    path = MAKERS[maker](tmp_path / "archive", {"a.jpg": b"a", "bomb.jpg": bytes(5 * 10**6)})
    with pytest.raises(Unusable, match="unpacks to more than"):
        taken(path, "a.jpg")


def test_a_zip_that_lies_about_its_sizes_is_bounded_all_the_same(tmp_path: Path) -> None:
    path = zipped(tmp_path / "archive", {"a.jpg": bytes(2 * 10**6)})
    true, lie = (2 * 10**6).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(true, lie))
    with pytest.raises(Unusable, match="cannot be read"):
        taken(path, "a.jpg")


def test_a_header_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 2**32
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)))
    with pytest.raises(Unusable, match="a part of more than 128 MiB"):
        taken(path, "a.jpg", archive=2**34)


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "noise"])
@pytest.mark.parametrize("maker", MAKERS)
def test_a_damaged_archive_is_said(tmp_path: Path, maker: str, damage: str) -> None:
    path = MAKERS[maker](tmp_path / "archive", {"a.jpg": bytes(range(256)) * 3, "b.jpg": b"b"})
    whole = path.read_bytes()
    middle = min(len(whole) // 2, 700)  # tar ends in thousands of zeros
    changed = {
        "cut": whole[:middle],
        "text": b"<html>Not an archive</html>",
        "empty": b"",
        "noise": whole[:20] + bytes(255 - byte for byte in whole[20:]),
    }
    path.write_bytes(changed[damage])
    with pytest.raises(Unusable, match="cannot be read"):
        taken(path, "a.jpg", "b.jpg")
