"""Waiting threads: what is chosen, and that it reaches torch's runtime before it is loaded."""

import os
import subprocess
import sys

import psutil
import pytest

from grit.core.threads import choose_wait_policy


@pytest.fixture
def machine(monkeypatch):
    """A machine of four cores, so and so busy, with nothing set by hand."""

    def make(percent, **environment):
        for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
        monkeypatch.setattr(psutil, "cpu_percent", lambda _: percent)

    return make


@pytest.mark.parametrize(
    ("percent", "threads", "chosen"),
    [
        (0, None, None),
        (5, None, None),  # what an idle machine does besides
        (25, None, "PASSIVE"),  # one core of four is busy
        (100, None, "PASSIVE"),
        (25, 3, None),  # three are idle
        (25, 4, "PASSIVE"),
        (100, 1, None),  # one thread waits for nobody
    ],
)
def test_threads_sleep_where_fewer_cores_are_idle(machine, percent, threads, chosen):
    machine(percent)
    choose_wait_policy(threads)
    assert os.environ.get("OMP_WAIT_POLICY") == chosen


@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_WAIT_POLICY": "ACTIVE"},
        {"GOMP_SPINCOUNT": "1000"},
        {"OMP_NUM_THREADS": "1"},
        {"WORLD_SIZE": "2"},
    ],
)
def test_what_was_chosen_by_hand_stays(machine, environment):
    machine(100, **environment)
    before = dict(os.environ)
    choose_wait_policy(None)
    assert dict(os.environ) == before


def test_nothing_has_imported_torch_when_it_is_chosen():
    code = (
        "import sys, grit.__main__ as main\n"
        "main.choose_wait_policy = lambda _: (print('torch' in sys.modules), sys.exit(7))\n"
        "sys.argv = ['grit', 'experiment=smoke']\n"
        "main.main()\n"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (7, "False")
