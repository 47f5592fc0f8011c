"""A server that a run starts ends with it, however the run ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from grit.core.errors import GritError
from grit.rollout.vllm_launch import LaunchedServer, free_port, without_torchrun

SERVES = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
class Up(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Up).serve_forever()
"""
PARENT = """
import sys, time
from pathlib import Path
from grit.rollout.vllm_launch import LaunchedServer
port, log = int(sys.argv[1]), Path(sys.argv[2])
server = LaunchedServer([sys.executable, "-c", sys.argv[3], str(port)], {}, port, log, 60)
print("up", flush=True)
time.sleep(60)
"""


def ended(pid: int) -> bool:
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def launched(command: list[str], folder: Path, within: float = 60.0) -> LaunchedServer:
    port = free_port()
    return LaunchedServer([*command, str(port)], {"A": "b"}, port, folder / "log", within)


def test_it_answers_and_ends_with_all_its_processes(tmp_path: Path) -> None:
    server = launched([sys.executable, "-c", SERVES], tmp_path)
    worker = int((tmp_path / "log").read_text())
    assert psutil.pid_exists(worker)
    server.close()
    assert ended(worker)


def test_it_ends_after_the_parent_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(free_port()), str(log), SERVES], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert ended(int(log.read_text()))


def test_it_does_not_take_itself_for_a_rank_of_torchrun(tmp_path: Path, monkeypatch) -> None:
    """With torchrun's store, every process group of a server waits for one that nobody serves."""
    of_torchrun = {
        **dict.fromkeys(("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK"), "0"),
        **dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE", "ROLE_WORLD_SIZE"), "2"),
        **dict.fromkeys(("ROLE_NAME", "MASTER_ADDR", "TORCHELASTIC_RUN_ID"), "none"),
        **dict.fromkeys(("GROUP_WORLD_SIZE", "OMP_NUM_THREADS"), "1"),
        "MASTER_PORT": "29500",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    for name, value in (of_torchrun | {"OF_THE_USER": "kept"}).items():
        monkeypatch.setenv(name, value)
    says = "import os; print(*sorted(os.environ)); raise SystemExit(3)"
    with pytest.raises(GritError, match="ended with code 3"):
        launched([sys.executable, "-c", says], tmp_path)
    given = set((tmp_path / "log").read_text().split())
    assert {"A", "OF_THE_USER"} <= given
    assert not given & set(of_torchrun)


def test_threads_that_the_user_has_chosen_stay_without_torchrun() -> None:
    assert without_torchrun({"OMP_NUM_THREADS": "1"}) == {"OMP_NUM_THREADS": "1"}
    assert without_torchrun({"OMP_NUM_THREADS": "4", "RANK": "0"}) == {"OMP_NUM_THREADS": "4"}


def test_one_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(GritError, match=r"ended with code 3: no model \(.*log\)"):
        launched([sys.executable, "-c", "print('no model'); raise SystemExit(3)"], tmp_path)


def test_the_line_of_an_error_is_shown_not_what_follows_it(tmp_path: Path) -> None:
    said = r"WARNING: errors may follow\nValueError: too long\n  see the pages\n"
    said += "RuntimeError: Engine core initialization failed. See root cause above."  # vLLM's last
    with pytest.raises(GritError, match=r"ended with code 1: ValueError: too long \("):
        launched([sys.executable, "-c", f"print('{said}'); raise SystemExit(1)"], tmp_path)


def test_what_a_former_start_said_is_no_cause(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("ValueError: of the former start\n")
    says = "print('no model'); raise SystemExit(3)"
    with pytest.raises(GritError, match=r"ended with code 3: no model \("):
        launched([sys.executable, "-c", says], tmp_path)


def test_one_that_never_answers_is_ended(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(GritError, match=r"does not answer 1 s after its start") as said:
        launched([sys.executable, "-c", code], tmp_path, within=1.0)
    assert "\n" not in str(said.value)
    if pid := (tmp_path / "log").read_text().strip():
        assert ended(int(pid))
