"""The end of a Weights & Biases run: it waits for a time, and says what the server has not got."""

import json
import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# What the client would do without: wait for ever at the end of a run; try each question to a dead
# server 20 times, a quarter of an hour, also at the end of a run, where its own limit of the time
# does not count for tables (seen with wandb 0.31). Numbers are not asked for: they are sent in a
# stream of their own, which is tried again for as long as the run lasts.
_LIMITS: dict[str, float] = {
    "finish_timeout": 120,  # seconds
    "x_graphql_retry_max": 6,
    "x_graphql_retry_wait_max_seconds": 30,
}


def limits() -> dict[str, Any]:
    """Settings that bound how long a run waits for its server; the environment's own come first."""
    chosen = {key: val for key, val in _LIMITS.items() if f"WANDB_{key.upper()}" not in os.environ}
    return chosen | {"finish_timeout_raises": True}


def finish(run: Any, *, failed: bool = False) -> None:
    """End the run; a server that has not taken all of it is worth a warning and no failure.

    Args:
        run: of W&B, with ``limits`` among its settings.
        failed: the program ends in an error.
    """
    folder = Path(run.dir).parent
    online = not run.offline and not run.disabled
    try:
        run.finish(exit_code=int(failed))
        fault = _first_fault(folder) if online else None
    except TimeoutError:
        fault = f"not all was taken within {run.settings.finish_timeout:g} seconds"
    if fault is not None:
        # Without the option the command passes over runs that were begun online.
        log.warning(
            "W&B misses something of this run (%s): `wandb sync --include-online %s` sends it",
            fault,
            folder,
        )


def _first_fault(folder: Path) -> str | None:
    """What went wrong first, by the log of the process that sends; it tells nobody else."""
    for line in (folder / "logs" / "debug-internal.log").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("level", "").startswith("ERROR"):  # ERROR+4: it has given up
            said = [str(entry[name]) for name in ("msg", "error", "status") if name in entry]
            return " ".join(" ".join(said).split())
    return None
