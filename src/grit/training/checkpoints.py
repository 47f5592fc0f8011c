"""Checkpoints that are whole or not there, every few steps and when a run is interrupted."""

import logging
import re
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loops.progress import _ProcessedTracker

from grit.core import interruption, processes
from grit.core.errors import Interrupted, Resumable
from grit.core.files import UNREADABLE, archive_is_whole, put_in_place

log = logging.getLogger(__name__)
NAME = re.compile(r"step-(\d+)\.ckpt")
_PARTIAL = ".partial"
KEPT = 2  # the last one, and the one before should the last be damaged


def latest(folder: Path) -> Path | None:
    """The last checkpoint in ``folder`` that is whole; later ones are skipped and named."""
    found = [path for path in folder.glob("step-*.ckpt") if NAME.fullmatch(path.name)]
    for path in sorted(found, key=steps_of, reverse=True):
        if _is_whole(path):
            return path
        log.info("%s is damaged or incomplete: skipped", path)
    return None


def _is_whole(path: Path) -> bool:
    """Whether its tensors are as they were written, and it loads at all."""
    if not archive_is_whole(path):
        return False
    try:
        torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except UNREADABLE:
        return False
    return True


def steps_of(checkpoint: Path) -> int:
    """How many steps were done when it was written."""
    match = NAME.fullmatch(checkpoint.name)
    if match is None:
        raise ValueError(f"{checkpoint} is not named like a checkpoint of this suite")
    return int(match[1])


class Checkpoints(pl.Callback):
    """Saves ``step-N.ckpt`` every ``every`` steps, and after the step in which it is told to stop.

    A checkpoint is written under another name and renamed, so that a kill leaves the last one
    whole; of those before, one is kept. Ctrl-C and SIGTERM (as SLURM sends it before a job's
    time is up) let the step under way finish, or give it up after ``stop_within`` seconds; a second
    one stops at once. A Resumable error, which all processes have to raise alike, ends in a
    checkpoint too.
    """

    def __init__(self, folder: Path, every: int, stop_within: float = 25.0) -> None:
        self.folder = folder
        self.every = every
        self.stop_within = stop_within
        self.interrupted = False
        self._committed = lambda: False
        self.steps = 0  # of the checkpoint written last

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From now on an interruption waits for the step under way."""
        self._committed = lambda: bool(getattr(pl_module, "committed", False))
        interruption.defer(self._give_up, self.stop_within)
        if trainer.is_global_zero:
            for left in self.folder.glob(f".*{_PARTIAL}"):  # by a process that was killed
                left.unlink()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save where it is time, or where the run is to stop."""
        interruption.step_done()
        steps = batch_idx + 1
        # Every process has to take part in saving, so one that was interrupted tells the others.
        # A signal that arrives meanwhile stops the run after the next step.
        asked = trainer.strategy.reduce_boolean_decision(interruption.asked(), all=False)
        self.interrupted = self.interrupted or asked
        if self.interrupted or steps % self.every == 0 or steps == trainer.num_training_batches:
            self._save(trainer, steps)
        if self.interrupted:
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """No step is under way any more."""
        interruption.undefer()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the signal handlers; write a checkpoint if the run can be resumed."""
        interruption.undefer()
        if isinstance(exception, Resumable):
            self._save(trainer, _without_step_under_way(trainer))

    def _save(self, trainer: pl.Trainer, steps: int) -> None:
        whole = self.folder / f"step-{steps:06d}.ckpt"
        partial = self.folder / f".{whole.name}{_PARTIAL}"
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            put_in_place(partial, whole)
            before = [path for path in self.folder.glob("step-*.ckpt") if NAME.fullmatch(path.name)]
            before = sorted((path for path in before if steps_of(path) <= steps), key=steps_of)
            for old in before[:-KEPT]:
                old.unlink()
        trainer.strategy.barrier()
        self.steps = steps

    def _give_up(self) -> None:
        """Leave the step under way, of which nothing has changed the weights yet.

        With several processes each would leave it elsewhere, and saving takes all of them: then
        the run goes on from its last checkpoint.
        """
        if self._committed():
            return
        what = f"interrupted; the step under way did not end in {self.stop_within:g} s: given up"
        raise Interrupted(what) if processes.count() > 1 else Resumable(what)


def _without_step_under_way(trainer: pl.Trainer) -> int:
    """Make Lightning forget that it began a step, of which nothing has happened yet.

    Otherwise a resumed run would count that step as done. The number of steps that are.
    """
    progress = trainer.fit_loop.epoch_loop.batch_progress
    total, current = progress.total, progress.current
    assert isinstance(total, _ProcessedTracker)  # Lightning declares their base class
    assert isinstance(current, _ProcessedTracker)
    for tracker in (total, current):
        tracker.ready = tracker.started = tracker.processed
    return total.processed
