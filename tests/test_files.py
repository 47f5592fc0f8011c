"""Files that appear whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from grit.files import put_in_place, write_json


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
