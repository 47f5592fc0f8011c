"""Disks that are full: one line, nothing half-written, and a way to go on."""

import errno
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from desk import Desk, refused, results, succeeded
from learners import fit, module
from safetensors import SafetensorError

from grit.core.disk import full, needing, readable
from grit.core.errors import GritError
from grit.training.checkpoints import CheckpointFiles, Checkpoints, latest

SMOKE = ("experiment=smoke", "hydra.run.dir=small/run")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Callable[[str], Desk]]:
    """A desk with a file system of a given size, ``small``; given another size, it grows."""
    desk = Desk(tmp_path / "desk")
    place = desk.folder / "small"
    place.mkdir(parents=True)
    mounted = False

    def of(size: str) -> Desk:
        nonlocal mounted
        options = f"remount,size={size}" if mounted else f"size={size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no small file system can be made here: mounting takes root")
        mounted = True
        return desk

    yield of
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(small) -> None:
    desk = small("24k")
    message = refused(desk.grit(*SMOKE))
    assert f"no space is left on {desk.folder}/small for {desk.folder}/small/run: " in message
    assert " of 24.6 kB are free there; make room, then go on with: python -m grit " in message
    small("11000k")  # a checkpoint and no model
    command = shlex.split(message.rpartition("go on with: ")[2])[3:]
    message = refused(desk.grit(*command))
    assert "; the trained model takes 8.37 MB; make room, then go on with: " in message
    assert not (desk.folder / "small" / "run" / ".model.partial").exists()
    small("100m")
    succeeded(desk.grit(*command))
    assert results(desk.folder / "small" / "run")["sets"]


def test_a_checkpoint_without_room_leaves_nothing(small) -> None:
    desk = small("3000k")
    message = refused(desk.grit(*SMOKE))
    assert "; a checkpoint takes 9.88 MB; make room, then go on with: " in message
    assert list((desk.folder / "small" / "run" / "checkpoints").iterdir()) == []


def test_a_checkpoint_goes_through_no_other_place(tmp_path: Path, monkeypatch) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr("tempfile.tempdir", str(nowhere))  # making any file there fails
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / ".step-000009.ckpt.partial").touch()  # of a run that was killed
    checkpoints = Checkpoints(tmp_path / "c", every=1)
    fit(module(max_steps=1), tmp_path, callbacks=[checkpoints], plugins=[CheckpointFiles()])
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-000001.ckpt"]
    assert torch.load(latest(tmp_path / "c"), weights_only=True)["state_dict"]


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
    ],
)
def test_what_is_full_is_told_from_other_faults(tmp_path: Path, fault: Exception) -> None:
    late = RuntimeError("unexpected pos 64 vs 0")  # as torch's writer says while it is left
    late.__context__ = fault
    with pytest.raises(RuntimeError), needing("a thing", 1_230_000):
        raise late
    said = full(late, tmp_path / "run")
    assert said is not None
    assert said.endswith("are free there; a thing takes 1.23 MB")
    assert full(PermissionError(errno.EACCES, "Permission denied"), tmp_path) is None


@pytest.mark.parametrize(
    ("filename", "said"),
    [
        ("{tmp}/big/x.jpg", "no space is left on {mount} for {tmp}/big/x.jpg: "),
        ("{tmp}/run/x.jpg", "no space is left on {mount} for {tmp}/run: "),
        (None, "x.jpg: cannot be written: no space is left there"),
    ],
)
def test_a_full_disk_is_that_of_the_file(tmp_path: Path, filename: str | None, said: str) -> None:
    mount = tmp_path
    while not mount.is_mount():
        mount = mount.parent
    name = filename and filename.format(tmp=tmp_path)
    fault = GritError("x.jpg: cannot be written")
    fault.__cause__ = OSError(errno.ENOSPC, "No space left on device", name)
    line = full(fault, tmp_path / "run")
    assert line is not None
    assert line.startswith(said.format(tmp=tmp_path, mount=mount))


def test_sizes_are_readable() -> None:
    sizes = (999, 1000, 9_860_000, 3 * 10**9)
    assert [readable(size) for size in sizes] == ["999 B", "1 kB", "9.86 MB", "3 GB"]
