"""One run at a time works in a folder, whatever becomes of its processes."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from desk import Desk, refused, succeeded

from grit.core import locks
from grit.core.errors import GritError

OTHER = """
import sys, time
from pathlib import Path
from grit.core import locks

getattr(locks, sys.argv[1])(Path(sys.argv[2]))
print("has it", flush=True)
time.sleep(60)
"""
SLOW = '''
"""A reward term that waits in its first training step until it may go on."""

import os
import time


def term(response):
    if response.dataset != "rehearsal" and "WAIT" in os.environ:
        open(os.environ["WAIT"] + ".begun", "w").close()
        while not os.path.exists(os.environ["WAIT"]):
            time.sleep(0.05)
    return len(response.trace.text) / 100
'''
SMOKE = (
    *("experiment=smoke", "trainer.max_steps=2", "evaluation.before_training=false"),
    *("+reward.terms.slow={call: slow.term, weight: 1.0}", "hydra.run.dir=run"),
)


@pytest.fixture(autouse=True)
def _nothing_held():
    yield
    locks.release()


def other(how: str, folder: Path) -> subprocess.Popen[str]:
    """Another process that has its part in a lock until it is killed."""
    command = [sys.executable, "-c", OTHER, how, str(folder)]
    found = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert found.stdout is not None
    assert found.stdout.readline() == "has it\n"
    return found


def killed(process: subprocess.Popen[str]) -> None:
    with process:
        process.send_signal(signal.SIGKILL)


def test_a_lock_keeps_others_out_and_ends_with_its_process(tmp_path):
    first = other("hold", tmp_path)
    with pytest.raises(GritError, match=rf"works there \(process {first.pid} on \S+\): wait"):
        locks.hold(tmp_path)
    killed(first)
    locks.hold(tmp_path)
    locks.hold(tmp_path)  # which it has


def test_a_process_left_behind_still_keeps_others_out(tmp_path):
    """As a rank does whose torchrun and first process were killed."""
    locks.hold(tmp_path)
    locks.share(tmp_path)
    rank = other("share", tmp_path)
    locks.release()
    with pytest.raises(GritError, match="another process works there"):
        locks.hold(tmp_path)
    killed(rank)
    locks.hold(tmp_path)


def test_no_file_is_left_where_nobody_has_it(tmp_path):
    locks.hold(tmp_path)
    locks.release()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_its_holder_removed_meanwhile_is_no_lock(tmp_path, monkeypatch):
    flock, path = fcntl.flock, tmp_path / ".lock"

    def removed_before(stream, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        path.touch()
        flock(stream, how)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    locks.hold(tmp_path)
    stranger = path.open()
    with pytest.raises(BlockingIOError):
        flock(stranger, fcntl.LOCK_EX | fcntl.LOCK_NB)
    stranger.close()


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, caplog):
    def cannot(stream, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", cannot)
    locks.hold(tmp_path)
    assert "let no two runs work there" in caplog.text


def test_two_that_go_on_with_a_run_do_not_both(tmp_path):
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    (tmp_path / "desk-library" / "slow.py").write_text(SLOW, encoding="utf-8")
    may = tmp_path / "may"
    begun = Path(f"{may}.begun")
    first = desk.start(*SMOKE, WAIT=str(may))
    while not begun.exists() and first.poll() is None:
        time.sleep(0.1)
    message = refused(desk.grit(*SMOKE, "resume=true"))
    assert f"another process works there (process {first.pid} on " in message
    may.touch()
    succeeded(first.done(timeout=120))
    assert not (desk.folder / "run" / ".lock").exists()
    succeeded(desk.grit(*SMOKE, "resume=true"))


def test_of_two_that_begin_in_a_folder_one_does(tmp_path):
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    started = [desk.start("experiment=smoke", "hydra.run.dir=run") for _ in range(2)]
    both = [each.done(timeout=240) for each in started]
    assert sorted(done.returncode for done in both) == [0, 1]
    (line,) = "".join(done.stderr for done in both).splitlines()
    assert "another process works there" in line or "holds a run already" in line


def test_a_rank_that_outlives_its_torchrun_keeps_the_next_start_out(tmp_path):
    """The launcher and the first process are killed; the other is still at its step."""
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    (tmp_path / "desk-library" / "slow.py").write_text(SLOW, encoding="utf-8")
    may = tmp_path / "may"
    begun = Path(f"{may}.begun")
    ranks = ("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu", "logger=none")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun = subprocess.Popen(
        [*launcher, "--nproc_per_node=2", "-m", "grit", *SMOKE, *ranks],
        cwd=desk.folder,
        env=desk.environment | {"WAIT": str(may)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not begun.exists() and torchrun.poll() is None:
        time.sleep(0.1)
    first, left = sorted(
        psutil.Process(torchrun.pid).children(), key=lambda rank: rank.environ()["RANK"]
    )
    for process in (torchrun, first):
        process.kill()
    torchrun.wait()
    try:
        message = refused(desk.grit(*SMOKE, *ranks[2:], "resume=true", "trainer.devices=1"))
        assert "another process works there" in message
    finally:
        left.kill()
    left.wait()
    succeeded(desk.grit(*SMOKE, *ranks[2:], "resume=true", "trainer.devices=1"))
