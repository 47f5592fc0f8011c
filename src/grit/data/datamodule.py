"""The Lightning data module of the training prompts."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loops.progress import _ProcessedTracker

from grit.core.errors import GritError
from grit.data.ordering import DrawOrder
from grit.data.samples import Sample

Batch = list[tuple[Sample, int]]  # the prompts of one step, with the epoch in which each is drawn


@dataclass(frozen=True)
class PromptSteps:
    """A train dataloader with one batch per step; it starts at the current step of the training.

    Its length is always the number of all steps: Lightning counts the batches of a resumed epoch
    from the epoch's beginning.
    """

    samples: Sequence[Sample]
    order: DrawOrder
    max_steps: int
    position: Callable[[], int]  # steps done so far

    def __len__(self) -> int:
        return self.max_steps

    def __iter__(self) -> Iterator[Batch]:
        for draws in self.order.steps(self.position(), self.max_steps):
            yield [(self.samples[draw.sample], draw.epoch) for draw in draws]

    # Lightning resumes in the middle of an epoch only with a loader that has these two methods.
    # There is nothing to store: the position is Lightning's own count of steps.

    def state_dict(self) -> dict[str, Any]:
        """Empty: this loader has no state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Does nothing."""


class PromptModule(pl.LightningDataModule):
    """The prompts of a training of ``max_steps`` steps, ``prompts_per_step`` in each.

    The whole training is one Lightning epoch. ``trainer.fit(..., ckpt_path=...)`` continues after
    the last finished step, and raises GritError for a checkpoint of other data.
    """

    def __init__(
        self, samples: Sequence[Sample], *, prompts_per_step: int, max_steps: int, seed: int
    ) -> None:
        super().__init__()
        self.samples = list(samples)
        self.prompts_per_step = prompts_per_step
        self.max_steps = max_steps
        self.seed = seed
        DrawOrder(len(self.samples), prompts_per_step, seed)  # raises before a model is loaded

    def train_dataloader(self) -> PromptSteps:
        """The prompts of this rank: all completions of a prompt stay on one rank."""
        trainer = self._trainer()
        order = DrawOrder(
            len(self.samples),
            self.prompts_per_step,
            self.seed,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        return PromptSteps(self.samples, order, self.max_steps, self._steps_done)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Returns the batch unchanged: samples have no tensors."""
        return batch

    def state_dict(self) -> dict[str, Any]:
        """What determines the order of the prompts, and whether the training is finished."""
        done = 0 if self.trainer is None else self._steps_done()
        return {**self._identity(), "finished": done >= self.max_steps, "max_steps": self.max_steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Check that the checkpoint was trained on the same prompts in the same order."""
        for name, current in self._identity().items():
            stored = state_dict.get(name)
            if stored != current:
                raise GritError(
                    f"resuming: the checkpoint's data differs from this run's: {name} was {stored},"
                    f" now {current}: resume with the same data and seed, or start a new run"
                )
        # Lightning would end such a run at once, as if it had been trained.
        if state_dict["finished"] and self.max_steps > state_dict["max_steps"]:
            raise GritError(
                f"resuming: the checkpoint's training of {state_dict['max_steps']} steps is "
                "finished: to train longer, start a new run from its weights"
            )

    def _identity(self) -> dict[str, Any]:
        content = "\n".join(f"{s.id}\t{s.question}\t{s.answer}" for s in self.samples)
        return {
            "samples": len(self.samples),
            "content": hashlib.sha256(content.encode()).hexdigest()[:12],
            "prompts_per_step": self.prompts_per_step,
            "seed": self.seed,
        }

    def _steps_done(self) -> int:
        # `processed` rather than `completed`: a checkpoint written at a batch's end has counted
        # that batch as processed only, and one written in the middle of a batch has not.
        progress = self._trainer().fit_loop.epoch_loop.batch_progress.total
        assert isinstance(progress, _ProcessedTracker)  # Lightning declares its base class
        return progress.processed

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("the prompts are dealt by trainer.fit")
        return self.trainer
