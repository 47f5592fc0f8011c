"""Finishing a Weights & Biases run within a time limit, and warning of failed uploads."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import wandb
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError

log = logging.getLogger(__name__)

# Without these the client may wait for ever at the end of a run. ``finish_timeout`` has no effect
# while it requests an upload URL for a table (wandb 0.31), a request that is retried 20 times, for
# a quarter of an hour; so retries are limited too. Metrics use another stream, without this limit.
_LIMITS: dict[str, float] = {
    "finish_timeout": 120,  # seconds
    "x_graphql_retry_max": 6,
    "x_graphql_retry_wait_max_seconds": 30,
}
# What the client raises once its process, wandb-core, has ended: a SIGTERM to a whole job ends it
# at once, while the run still writes its checkpoint.
_LOST = (OSError, MailboxClosedError, HandleAbandonedError)


def limits() -> dict[str, Any]:
    """W&B settings that limit how long a run waits; environment variables take precedence."""
    chosen = {key: val for key, val in _LIMITS.items() if f"WANDB_{key.upper()}" not in os.environ}
    return chosen | {"finish_timeout_raises": True}


@contextmanager
def going_on(faults: list[str]) -> Iterator[None]:
    """What the client raises here is added to ``faults``, once: the run goes on without W&B."""
    try:
        yield
    except (wandb.Error, *_LOST) as error:
        if (said := _said(error)) not in faults:
            faults.append(said)


def finish(run: Any, *, failed: bool = False, faults: Sequence[str] = ()) -> None:
    """Finish the run; an incomplete upload is logged as a warning and raises nothing.

    Args:
        run: of W&B, with ``limits`` among its settings.
        failed: whether the task ends in an error.
        faults: errors that occurred already.
    """
    folder = Path(run.dir).parent
    trouble = list(faults)
    try:
        run.finish(exit_code=int(failed))
        if not run.offline and not run.disabled:
            trouble += _faults(folder)
    except TimeoutError:
        trouble.insert(0, f"not all was taken within {run.settings.finish_timeout:g} seconds")
    except wandb.Error as error:
        trouble.append(_said(error))
    except _LOST as error:
        # Else the next run of this process fails by it too.
        with suppress(*_LOST, wandb.Error, SystemExit):
            wandb.teardown()
        log.warning(
            "W&B's own process ended before this run (%s), and W&B has nothing of it from there on:"
            " `wandb sync --include-online %s` sends what came before",
            [*trouble, _said(error)][0],
            folder,
        )
        return
    if trouble:
        # Without the option, `wandb sync` skips runs that were started online. Their files have
        # everything but tables, which the client uploads without storing them (wandb 0.31).
        log.warning(
            "W&B misses something of this run (%s): `wandb sync --include-online %s` sends all but "
            "the table of rows, which report.html shows",
            trouble[0],
            folder,
        )


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _faults(folder: Path) -> Iterator[str]:
    """Errors in the log of the client's upload process, which reports them nowhere else."""
    log_file = folder / "logs" / "debug-internal.log"
    if not log_file.exists():
        return
    for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # of other libraries, or torn
            continue
        # ERROR+4: it gave up retrying
        if isinstance(entry, dict) and str(entry.get("level", "")).startswith("ERROR"):
            said = [str(entry[name]) for name in ("msg", "error", "status") if name in entry]
            yield " ".join(" ".join(said).split())
