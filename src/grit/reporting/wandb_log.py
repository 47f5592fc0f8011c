"""Weights & Biases: a logger that never asks for a key or waits for a network, and completions."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import pytorch_lightning as pl
import wandb
from pytorch_lightning.loggers import WandbLogger

from grit.training.diagnostics import Rollout
from grit.training.module import GRPOGR

log = logging.getLogger(__name__)
INIT_TIMEOUT = 20  # seconds an online run waits for the server
Mode = Literal["online", "offline", "disabled"]


def wandb_mode(configured: str) -> Mode:
    """``auto`` is online where the environment holds a key, and offline otherwise."""
    if configured != "auto":
        return cast(Mode, configured)
    chosen = os.environ.get("WANDB_MODE")
    if chosen in ("online", "offline", "disabled"):
        return cast(Mode, chosen)
    return "online" if os.environ.get("WANDB_API_KEY") else "offline"


def wandb_logger(
    folder: Path,
    config: dict[str, Any],
    *,
    project: str,
    entity: str | None,
    name: str,
    mode: Mode,
    tags: Sequence[str],
) -> WandbLogger:
    """A logger whose files stay below ``folder``.

    The resolved configuration is stored under the one key ``grit``: a sweep locks its own keys in
    ``run.config``, and a sweep's ``model`` would shut out a nested ``model``. Where the server
    cannot be reached the run is logged offline, to be sent later with ``wandb sync``.
    """

    def begin(mode: Mode) -> Any:
        return wandb.init(
            dir=folder,
            project=project,
            entity=entity,
            name=name,
            mode=mode,
            tags=list(tags),
            config={"grit": config},
            settings=wandb.Settings(
                init_timeout=INIT_TIMEOUT, silent=True, console="off", x_disable_stats=True
            ),
            reinit="finish_previous",  # a multirun's jobs share a process
        )

    try:
        run = begin(mode)
    except wandb.Error as error:
        if mode != "online":
            raise
        reason = str(error).splitlines()[0]
        log.warning("W&B cannot be reached, so this run is logged offline: %s", reason)
        run = begin("offline")
    return WandbLogger(experiment=run, save_dir=folder)


class CompletionSamples(pl.Callback):
    """Every few steps, logs one group of completions as images with the boxes they speak of."""

    def __init__(self, every: int) -> None:
        self.every = every

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log the step's first prompt."""
        loggers = [each for each in trainer.loggers if isinstance(each, WandbLogger)]
        if not loggers or (trainer.global_step - 1) % self.every:
            return
        if not isinstance(pl_module, GRPOGR):
            return
        first = pl_module.last_rollouts[: pl_module.settings.group_size]
        images = [_image(rollout) for rollout in first]
        for logger in loggers:
            logger.experiment.log(
                {"completions": images, "trainer/global_step": trainer.global_step}
            )


def _image(rollout: Rollout) -> wandb.Image:
    width, height = rollout.sample.space.width, rollout.sample.space.height
    boxes = [box.to(rollout.sample.space).tidied() for box in rollout.boxes]
    reward = rollout.outcome.total
    return wandb.Image(
        rollout.sample.picture.load(),
        caption=(
            f"{rollout.sample.question} [{rollout.sample.answer}] "
            f"reward {'unjudged' if reward is None else f'{reward:.2f}'}\n{rollout.completion.text}"
        ),
        boxes={
            "chain": {
                "box_data": [
                    {
                        "position": {
                            "minX": box.x1 / width,
                            "maxX": box.x2 / width,
                            "minY": box.y1 / height,
                            "maxY": box.y2 / height,
                        },
                        "class_id": 0,
                    }
                    for box in boxes
                    if box is not None
                ],
                "class_labels": {0: "box"},
            }
        },
    )
