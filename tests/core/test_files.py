"""Files that appear whole or not at all."""

import os
import socket
import stat
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.core.files import put_in_place, write_bytes, write_json, write_jsonl, written_whole


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / name).write_text(name)
    put_in_place(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "deep", "new"]


def test_systems_that_cannot_sync_folders_still_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.fsync, []

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            refused.append(handle)
            raise OSError("Invalid argument")  # as some network file systems say
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "a.json", [1])
    (tmp_path / "folder.partial").mkdir()
    put_in_place(tmp_path / "folder.partial", tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "folder"}
    assert len(refused) == 3


def test_bytes_that_cannot_be_kept_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "a.json", [1])
    assert list(tmp_path.iterdir()) == []


def fifo(path: Path) -> None:
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def link(path: Path) -> None:
    path.with_name("target").write_text("theirs")
    path.symlink_to(path.with_name("target"))


def linked_folder(path: Path) -> None:
    path.with_name("target").mkdir()
    path.symlink_to(path.with_name("target"))


def socket_(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)  # from inside its folder: at most about a hundred letters


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # as /dev/null
    except PermissionError:
        pytest.skip("only root makes devices")


OTHERS = [fifo, dangling, link, linked_folder, socket_, device, Path.mkdir]


@pytest.mark.parametrize("make", OTHERS)
@pytest.mark.parametrize("write", ["text", "bytes", "json", "jsonl", "in place"])
def test_only_a_file_is_replaced(tmp_path: Path, monkeypatch, make, write: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "place"
    make(path)
    before = path.lstat()

    def text() -> None:
        with written_whole(path) as stream:
            stream.write("ours")

    def in_place() -> None:
        (tmp_path / "ours").write_text("ours")
        put_in_place(tmp_path / "ours", path)

    if write == "in place" and make is Path.mkdir:
        in_place()  # a folder that is written anew
        return
    writes = {
        "text": text,
        "bytes": lambda: write_bytes(path, b"ours"),
        "json": lambda: write_json(path, 1),
        "jsonl": lambda: write_jsonl(path, [{}]),
        "in place": in_place,
    }
    with pytest.raises(GritError, match=r"place: .*only a file is replaced"):
        writes[write]()
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert all(each.name in ("place", "target", "ours") for each in tmp_path.iterdir())
    target = tmp_path / "target"
    assert not target.is_file() or target.read_text() == "theirs"
