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
from grit.rollout.vllm_launch import LaunchedServer, free_port

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


def test_one_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(GritError, match=r"ended with code 3: no model \(.*log\)"):
        launched([sys.executable, "-c", "print('no model'); raise SystemExit(3)"], tmp_path)


def test_the_line_of_an_error_is_shown_not_what_follows_it(tmp_path: Path) -> None:
    said = r"WARNING: errors may follow\nValueError: too long\n  see the pages"
    with pytest.raises(GritError, match=r"ended with code 1: ValueError: too long \("):
        launched([sys.executable, "-c", f"print('{said}'); raise SystemExit(1)"], tmp_path)


def test_one_that_never_answers_is_ended(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(GritError, match=r"does not answer 1 s after its start") as said:
        launched([sys.executable, "-c", code], tmp_path, within=1.0)
    assert "\n" not in str(said.value)
    if pid := (tmp_path / "log").read_text().strip():
        assert ended(int(pid))
