"""Whether waiting OpenMP threads spin or sleep, chosen by how busy the machine is.

By default they spin between parallel regions, so that the next region starts at once. If another
program occupies a core, the thread on that core is late and all others spin meanwhile: a default
step of the tiny models then takes ten times as long. Sleeping threads lose a little on an idle
machine and nothing on a busy one (benchmarks/README.md). OpenMP reads its environment variables
when torch is loaded.
"""

import os
from collections.abc import Mapping

import psutil

POLICY = "OMP_WAIT_POLICY"
SET_BY_HAND = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
LISTENED = 0.2  # seconds over which the CPU's load is measured
SPARE = 0.3  # cores that an idle machine's other programs use


def choose_wait_policy(threads: int | None) -> None:
    """Set ``OMP_WAIT_POLICY=PASSIVE`` (sleep) if fewer cores are idle than threads will run.

    Call it before torch is imported. A policy that is set already is kept. Does nothing under
    torchrun, where the ranks would take each other for other programs.

    Args:
        threads: number of threads; None: torch's default.
    """
    wanted = _wanted(threads, os.environ)
    if wanted < 2 or "WORLD_SIZE" in os.environ or any(n in os.environ for n in SET_BY_HAND):
        return
    idle = _cores() * (1 - psutil.cpu_percent(LISTENED) / 100)
    if idle < wanted - SPARE:
        os.environ[POLICY] = "PASSIVE"


def _wanted(threads: int | None, environment: Mapping[str, str]) -> int:
    """Number of threads that torch will use."""
    if threads is not None:
        return threads
    given = environment.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() else _cores()


def _cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
