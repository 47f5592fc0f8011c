"""Runs Lightning's training loop, from the first step or from a checkpoint."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.plugins.environments import LightningEnvironment

from grit.core import interruption, processes
from grit.core.errors import GritError, Interrupted, Resumable
from grit.data.datamodule import PromptModule
from grit.data.samples import Sample
from grit.models.loading import save_trained
from grit.training.checkpoints import CheckpointFiles, Checkpoints, latest, steps_of
from grit.training.layouts.data_parallel import OneDevice, Unwrapped
from grit.training.learner import Learner
from grit.training.settings import TrainerSettings


def fit(
    learner: Learner,
    samples: Sequence[Sample],
    trainer: TrainerSettings,
    *,
    seed: int,
    folder: Path,
    checkpoint: Path | None,
    resume_command: str,
    loggers: list[Logger],
    callbacks: list[pl.Callback],
) -> None:
    """Train; an interruption ends in a checkpoint and an error with the command to resume.

    Args:
        learner: the LightningModule to train.
        samples: the training triplets.
        trainer: devices, precision and number of steps.
        seed: of the order of prompts.
        folder: of the run; checkpoints go into its ``checkpoints`` folder.
        checkpoint: to resume from; None: start at the first step.
        resume_command: for messages.
        loggers: of Lightning.
        callbacks: of Lightning; the one that writes checkpoints comes after them, so that a
            checkpoint has their states as of its step.

    Raises:
        Interrupted: stopped by a signal.
        Resumable: stopped by an error that the user can fix before resuming.
        GritError: not every rank can read the checkpoint.
    """
    data = PromptModule(
        list(samples),
        prompts_per_step=learner.settings.prompts_per_step,
        max_steps=trainer.max_steps,
        seed=seed,
    )
    place = folder / "checkpoints"
    checkpoints = Checkpoints(place, trainer.checkpoint_every, trainer.stop_within)
    if checkpoint and not all(processes.all_gather(checkpoint.exists())):
        raise GritError(
            f"resume=true: not every process sees {checkpoint}: several nodes need a folder "
            "that they share, hydra.run.dir="
        )
    try:
        lightning = _lightning(learner, trainer, folder, loggers, [*callbacks, checkpoints])
        lightning.fit(learner, data, ckpt_path=checkpoint, weights_only=True)
    except (Interrupted, Resumable, interruption.Stop) as error:
        last = latest(place)
        steps = steps_of(last) if last else 0
        stopped = f"{error}; stopped after step {steps} of {trainer.max_steps}"
        if interruption.asked():
            raise Interrupted(stopped, resume_command) from error
        raise Resumable(f"{stopped}; go on with: {resume_command}") from error
    if checkpoints.interrupted:
        stopped = f"interrupted after step {checkpoints.steps} of {trainer.max_steps}"
        raise Interrupted(stopped, resume_command)
    for parameter in learner.parameters():
        parameter.grad = None  # nobody needs them any more


def save_learnt(learner: Learner, folder: Path) -> None:
    """Write the trained weights, gathered on rank 0; every rank has to call it."""
    weights = learner.learnt_weights()
    if processes.rank() == 0:
        save_trained(learner.adapter, folder, weights)


def _lightning(
    learner: Learner,
    trainer: TrainerSettings,
    folder: Path,
    loggers: list[Logger],
    callbacks: list[pl.Callback],
) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    device = learner.adapter.device
    # In a SLURM job of several tasks Lightning would take a process by itself for a rank.
    alone = [LightningEnvironment()] if processes.world_size() == 1 else []
    return pl.Trainer(
        accelerator=device.type,  # "auto" would use MPS, which lacks float64
        devices=trainer.devices,
        num_nodes=trainer.num_nodes,
        strategy=Unwrapped() if processes.world_size() > 1 else OneDevice(device),
        precision=trainer.precision,
        max_epochs=1,  # all steps are one epoch of the PromptModule
        logger=loggers,
        callbacks=callbacks,
        log_every_n_steps=1,
        enable_progress_bar=False,  # StepLines says more in a line that does not wrap
        enable_checkpointing=False,  # done by Checkpoints
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        plugins=[CheckpointFiles(mapped=device.type == "cuda"), *alone],
    )
