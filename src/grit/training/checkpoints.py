"""Atomically written checkpoints, every few steps and when a run is interrupted."""

import logging
import os
import re
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.loops.progress import _ProcessedTracker
from torch.utils._pytree import tree_leaves, tree_map_only

from grit.core import interruption, processes
from grit.core.disk import needing
from grit.core.errors import Interrupted, Resumable
from grit.core.files import archive_is_whole, put_in_place

log = logging.getLogger(__name__)
NAME = re.compile(r"step-(\d+)\.ckpt")
_PARTIAL = ".partial"
KEPT = 2  # the last one, and the one before it in case the last is damaged


def latest(folder: Path) -> Path | None:
    """The last intact checkpoint in ``folder``, or None; damaged ones are logged and skipped."""
    found = [path for path in folder.glob("step-*.ckpt") if NAME.fullmatch(path.name)]
    for path in sorted(found, key=steps_of, reverse=True):
        if _is_whole(path):
            return path
        log.info("%s is damaged or incomplete: skipped", path)
    return None


def _is_whole(path: Path) -> bool:
    """Whether the file's checksums are right and it can be loaded."""
    if not archive_is_whole(path):
        return False
    try:
        torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # noqa: BLE001  # torch names no classes for damaged files
        log.debug("%s: %s: %s", path, type(error).__name__, error)
        return False
    return True


def steps_of(checkpoint: Path) -> int:
    """The number of finished steps in a checkpoint's name."""
    match = NAME.fullmatch(checkpoint.name)
    if match is None:
        raise ValueError(f"{checkpoint} is not named like a checkpoint of this suite")
    return int(match[1])


def finished_steps(trainer: pl.Trainer) -> int:
    """The number of steps of a training that are done, also where a callback has ended it."""
    total = trainer.fit_loop.epoch_loop.batch_progress.total
    assert isinstance(total, _ProcessedTracker)  # Lightning declares its base class
    return total.processed


class CheckpointFiles(TorchCheckpointIO):
    """Writes a checkpoint directly to its path.

    Lightning's own plugin serialises it in memory and then writes a temporary file in ``$TMPDIR``,
    which may be small and keeps the file if the process is killed. ``Checkpoints`` makes writing
    atomic: it saves under another name and renames.

    Args:
        mapped: map the file into memory when it is loaded, where weights and states are copied to
            a GPU: each rank of a host would read all of it into memory of its own.
    """

    def __init__(self, *, mapped: bool = False) -> None:
        super().__init__()
        self.mapped = mapped

    def load_checkpoint(
        self, path: str | Path, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Load tensors and plain values; scalars stay on the CPU and are never a file's map."""
        content = torch.load(path, map_location="cpu", mmap=self.mapped, weights_only=True)
        return tree_map_only(torch.Tensor, lambda t: t.clone() if t.numel() == 1 else t, content)

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write and fsync the file; it is removed if writing fails."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        leaves = tree_leaves(checkpoint)
        size = sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
        try:
            with needing("a checkpoint", size), path.open("wb") as stream:
                torch.save(checkpoint, stream)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


class Checkpoints(pl.Callback):
    """Saves ``step-N.ckpt`` every ``every`` steps, and when the run is interrupted.

    A checkpoint is written under another name and renamed, so that a kill leaves the last one
    intact; one earlier checkpoint is kept. After Ctrl-C or SIGTERM (which SLURM sends before a
    job's time limit) the current step may finish; it is aborted after ``stop_within`` seconds. A
    second signal stops at once. A Resumable error, which all ranks must raise together, also ends
    in a checkpoint, unless the step has begun to change the weights.
    """

    def __init__(self, folder: Path, every: int, stop_within: float = 25.0) -> None:
        self.folder = folder
        self.every = every
        self.stop_within = stop_within
        self.interrupted = False
        self._committed = lambda: False
        self.steps = 0  # finished steps in the checkpoint written last

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Defer signals to the end of the current step; remove partial checkpoints."""
        self._committed = lambda: bool(getattr(pl_module, "committed", False))
        interruption.defer(self._give_up, self.stop_within)
        if trainer.is_global_zero:
            for left in self.folder.glob(f".*{_PARTIAL}"):  # left by a killed process
                left.unlink()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save every ``every`` steps, after the last one, and after an interruption.

        The last one may come early, by ``evaluation.patience``, whose callback comes before.
        """
        interruption.step_done()
        steps = batch_idx + 1
        # Saving is collective, so whether any rank was interrupted is all-reduced. A signal that
        # arrives after this stops the run after the next step.
        asked = trainer.strategy.reduce_boolean_decision(interruption.asked(), all=False)
        self.interrupted = self.interrupted or asked
        is_last = steps == trainer.num_training_batches or trainer.should_stop
        if self.interrupted or steps % self.every == 0 or is_last:
            self._save(trainer, steps)
        if self.interrupted:
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the signal handlers."""
        interruption.undefer()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the signal handlers; write a checkpoint if the run can be resumed."""
        interruption.undefer()
        if isinstance(exception, Resumable) and not self._committed():
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
        """Abort the current step, unless it has begun to change the weights.

        With one process a checkpoint is then saved. With several, ranks would abort at different
        places, and saving is collective: the run resumes from its last checkpoint instead.

        Raises:
            Interrupted: with several processes.
            Resumable: with one.
        """
        if self._committed():
            return
        what = f"interrupted; the step under way did not end in {self.stop_within:g} s: given up"
        raise Interrupted(what) if processes.world_size() > 1 else Resumable(what)


def _without_step_under_way(trainer: pl.Trainer) -> int:
    """Reset Lightning's progress counters to the finished steps; return their number.

    Otherwise a resumed run would count the aborted step as done.
    """
    progress = trainer.fit_loop.epoch_loop.batch_progress
    for tracker in (progress.total, progress.current):
        assert isinstance(tracker, _ProcessedTracker)  # Lightning declares its base class
        tracker.ready = tracker.started = tracker.processed
    return finished_steps(trainer)
