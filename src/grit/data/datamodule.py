"""The training prompts, step by step, for Lightning."""

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

Batch = list[tuple[Sample, int]]  # the prompts of one step, each with the epoch it is drawn in


@dataclass(frozen=True)
class PromptSteps:
    """A train dataloader: one batch a step, beginning at the step that training stands at.

    Its length is that of the whole training, whatever it begins at: Lightning counts the batches
    of a resumed epoch from the epoch's beginning.
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

    # With these two Lightning takes the loader for one that can go on in the middle of an epoch.
    # It can, and has nothing to remember: Lightning's own count of steps is its position.

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to load."""


class PromptModule(pl.LightningDataModule):
    """Deals ``prompts_per_step`` prompts to every step of a training of ``max_steps`` steps.

    The whole training is one Lightning epoch. ``trainer.fit(..., ckpt_path=...)`` goes on with the
    step after the last one that was finished, and refuses a checkpoint of other data.
    """

    def __init__(
        self, samples: Sequence[Sample], *, prompts_per_step: int, max_steps: int, seed: int
    ) -> None:
        super().__init__()
        self.samples = list(samples)
        self.prompts_per_step = prompts_per_step
        self.max_steps = max_steps
        self.seed = seed
        DrawOrder(len(self.samples), prompts_per_step, seed)  # complains now, not after loading

    def train_dataloader(self) -> PromptSteps:
        """The steps of this process: groups never cross processes."""
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
        """The batch as it is: samples hold no tensors."""
        return batch

    def state_dict(self) -> dict[str, Any]:
        """What the order of the prompts follows from, and how far the training is."""
        done = 0 if self.trainer is None else self._steps_done()
        return {**self._identity(), "finished": done >= self.max_steps, "max_steps": self.max_steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Check that the checkpoint was trained on the same prompts in the same order."""
        for name, here in self._identity().items():
            there = state_dict.get(name)
            if there != here:
                raise GritError(
                    f"resuming: the checkpoint's data differs from this run's: {name} was {there},"
                    f" now {here}: resume with the same data and seed, or start a new run"
                )
        # Lightning would end such a run at once, and look as if it had trained.
        if state_dict["finished"] and self.max_steps > state_dict["max_steps"]:
            raise GritError(
                f"resuming: the checkpoint's training of {state_dict['max_steps']} steps is "
                "finished: to train longer, start a new run from its weights"
            )

    def _identity(self) -> dict[str, Any]:
        told_apart = "\n".join(f"{s.id}\t{s.question}\t{s.answer}" for s in self.samples)
        return {
            "samples": len(self.samples),
            "content": hashlib.sha256(told_apart.encode()).hexdigest()[:12],
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
