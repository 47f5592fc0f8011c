"""The Weights & Biases logger, which never prompts for a key."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import wandb
from pytorch_lightning.loggers import WandbLogger

from grit.runs.run_record import relative
from grit.tracking.panels import panel
from grit.tracking.wandb_end import going_on, limits
from grit.tracking.wandb_server import failures, reason_of

log = logging.getLogger(__name__)
STEP = "trainer/global_step"  # the x axis that Lightning gives every metric
INIT_TIMEOUT = 20  # seconds that an online run waits for the server
MOST_TAG = 64  # characters, W&B's limit
FORMER = {"dryrun": "offline", "run": "online"}  # W&B's own earlier words, which it still takes
Mode = Literal["online", "offline", "disabled"]


def wandb_mode(configured: str) -> Mode:
    """The W&B mode; for ``auto`` WANDB_MODE, else online if WANDB_API_KEY is set, else offline."""
    if configured != "auto":
        return cast(Mode, configured)
    chosen = os.environ.get("WANDB_MODE", "")
    chosen = FORMER.get(chosen, chosen)
    if chosen in ("online", "offline", "disabled"):
        return cast(Mode, chosen)
    return "online" if os.environ.get("WANDB_API_KEY") else "offline"


def wandb_logger(
    folder: Path,
    config: dict[str, Any],
    *,
    mode: Mode,
    tags: Sequence[str],
    **fields: Any,
) -> "SectionedLogger":
    """A logger whose files are below ``folder``.

    The resolved configuration is stored under the single key ``grit``: a sweep locks its own keys
    in ``run.config``, and a sweep's ``model`` would block a nested ``model``. If the server cannot
    be reached, the run is logged offline, to be uploaded later with ``wandb sync``. The ``fields``
    are those of ``wandb.init``: project, entity, name, group, job_type.

    Raises:
        GritError: W&B's client takes no such run, neither online nor offline.
    """

    def begin(mode: Mode) -> Any:
        return wandb.init(
            dir=folder,
            mode=mode,
            tags=[tag[:MOST_TAG] for tag in dict.fromkeys(tags)],
            config={"grit": config},
            settings=wandb.Settings(
                init_timeout=INIT_TIMEOUT,
                silent=True,
                console="off",
                x_disable_stats=True,
                **limits(),
            ),
            reinit="finish_previous",  # the jobs of a multirun share a process
            **fields,
        )

    with failures("W&B: the run cannot be begun", "; logger=none does without W&B"):
        run = _begun(begin, mode)
    run.define_metric(STEP)
    run.define_metric("*", step_metric=STEP, step_sync=True)
    return SectionedLogger(experiment=run, save_dir=folder)


def _begun(begin: Callable[[Mode], Any], mode: Mode) -> Any:
    if mode != "online":
        run = begin(mode)
        if mode == "offline":
            log.info("W&B: offline: `wandb sync %s` sends it", _shown(run))
        return run
    wandb.setup(wandb.Settings(silent=True))  # no summary at the end: `finish` reports
    try:
        run = begin("online")
    except wandb.Error as error:
        reason = reason_of(error).splitlines()[0]
        run = begin("offline")
        log.warning(
            "W&B does not take this run, so it is logged offline: %s; `wandb sync %s` sends it",
            reason,
            _shown(run),
        )
        return run
    log.info("W&B: %s", run.url)
    return run


def _shown(run: Any) -> Path:
    """The folder of a W&B run, as short as the working directory allows."""
    return relative(Path(run.dir).parent)


class SectionedLogger(WandbLogger):
    """Lightning's logger with metric names that W&B groups into sections of panels.

    Its failures are ``faults``: one within a training step would cost the run its checkpoint.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.faults: list[str] = []  # errors because of which W&B lacks something

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics under the names that ``panel`` gives."""
        with going_on(self.faults):
            super().log_metrics({panel(name): value for name, value in metrics.items()}, step)
