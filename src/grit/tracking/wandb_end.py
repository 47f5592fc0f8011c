"""The end of a Weights & Biases run: it waits for a time, and says what the server has not got."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# Without these the client waits for ever at the end of a run. Its own limit does not count while it
# asks where to put a table (seen with wandb 0.31), and it would try each such question 20 times, a
# quarter of an hour; so tries are limited too. Numbers go in a stream of their own, which is not.
_LIMITS: dict[str, float] = {
    "finish_timeout": 120,  # seconds
    "x_graphql_retry_max": 6,
    "x_graphql_retry_wait_max_seconds": 30,
}


def limits() -> dict[str, Any]:
    """Settings that bound how long a run waits for its server; the environment's own come first."""
    chosen = {key: val for key, val in _LIMITS.items() if f"WANDB_{key.upper()}" not in os.environ}
    return chosen | {"finish_timeout_raises": True}


def finish(run: Any, *, failed: bool = False, faults: Sequence[str] = ()) -> None:
    """End the run; a server that has not taken all of it is worth a warning and no failure.

    Args:
        run: of W&B, with ``limits`` among its settings.
        failed: the program ends in an error.
        faults: what is known to have gone wrong already.
    """
    folder = Path(run.dir).parent
    trouble = list(faults)
    try:
        run.finish(exit_code=int(failed))
        if not run.offline and not run.disabled:
            trouble += _faults(folder)
    except TimeoutError:
        trouble.insert(0, f"not all was taken within {run.settings.finish_timeout:g} seconds")
    if trouble:
        # Without the option the command passes over runs that were begun online. Their files have
        # everything but tables, which the client sends without writing them down (wandb 0.31).
        log.warning(
            "W&B misses something of this run (%s): `wandb sync --include-online %s` sends all but "
            "the table of rows, which report.html shows",
            trouble[0],
            folder,
        )


def _faults(folder: Path) -> Iterator[str]:
    """What went wrong, by the log of the process that sends; it tells nobody else."""
    for line in (folder / "logs" / "debug-internal.log").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("level", "").startswith("ERROR"):  # ERROR+4: it has given up
            said = [str(entry[name]) for name in ("msg", "error", "status") if name in entry]
            yield " ".join(" ".join(said).split())
