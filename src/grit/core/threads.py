"""Whether threads that wait for each other spin or sleep: on a machine that does other work too.

Between the parts of a step OpenMP's threads spin, to be back at once. Where another program keeps a
core busy, one thread of a part waits for that core while the others burn theirs: a default step of
the miniature then takes ten times as long. Sleeping threads lose a little on an idle machine and
nothing on a busy one (benchmarks/README.md). The runtime reads its environment as torch is loaded.
"""

import os
from collections.abc import Mapping

import psutil

POLICY = "OMP_WAIT_POLICY"
SET_BY_HAND = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
LISTENED = 0.2  # seconds
SPARE = 0.3  # cores: what an idle machine does besides


def choose_wait_policy(threads: int | None) -> None:
    """Let threads sleep while they wait, where fewer cores are idle than threads are wanted.

    Call it before torch is imported. What the environment says already is left as it is; a process
    of torchrun is one of several that would take each other for other work.
    """
    wanted = _wanted(threads, os.environ)
    if wanted < 2 or "WORLD_SIZE" in os.environ or any(n in os.environ for n in SET_BY_HAND):
        return
    idle = _cores() * (1 - psutil.cpu_percent(LISTENED) / 100)
    if idle < wanted - SPARE:
        os.environ[POLICY] = "PASSIVE"


def _wanted(threads: int | None, environment: Mapping[str, str]) -> int:
    """Threads that torch will have."""
    if threads is not None:
        return threads
    given = environment.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() else _cores()


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
