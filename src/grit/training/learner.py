"""The base LightningModule of all training: policy, optimiser, schedule and checkpoints."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from transformers import get_cosine_schedule_with_warmup

from grit.core import processes
from grit.core.memory import room_for
from grit.core.seeding import seed_for
from grit.models.adapter import Adapter
from grit.training.groups import Group, MicroBatch, in_micro_batches
from grit.training.layouts.data_parallel import DataParallel
from grit.training.policy import Policy
from grit.training.settings import TrainingSettings

log = logging.getLogger(__name__)


class Learner(pl.LightningModule):
    """A LightningModule that trains an adapter's model by manual optimisation.

    Args:
        adapter: of the model.
        settings: of training.
        steps: optimiser steps of the whole training, over which the learning rate decays.
        learning_rate: the peak, after the warm-up.
        temperature: by which logits are divided for log-probabilities.
        seed: of dropout.
        layout: how weights, gradients and optimiser states are distributed over ranks.
    """

    def __init__(
        self,
        adapter: Adapter,
        settings: TrainingSettings,
        *,
        steps: int,
        learning_rate: float,
        temperature: float,
        seed: int = 0,
        layout: DataParallel | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.strict_loading = False  # checkpoints hold only trainable weights
        self.adapter = adapter
        self.model = adapter.model  # registers its parameters with Lightning
        self.settings = settings
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed
        self.layout = layout or DataParallel()
        self._laid_out = False
        self.committed = False  # the current step has begun to change the weights
        self.last_metrics: dict[str, float] = {}  # of the last step, for the console
        self.policy = Policy(
            adapter,
            share_prompt=settings.share_prompt,
            temperature=temperature,
            tokens_per_chunk=settings.tokens_per_chunk,
        )

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed the RNG by step and rank, so that a resumed run has the same dropout."""
        self.committed = False
        torch.manual_seed(seed_for(self.seed, "step", batch_idx, processes.rank()))

    def trainable_parameters(self) -> list[torch.nn.Parameter]:
        """The trainable parameters."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def trainable_names(self) -> list[str]:
        """The names of the trainable parameters, in the order of ``trainable_parameters``."""
        return [name for name, p in self.model.named_parameters() if p.requires_grad]

    def learnt_weights(self) -> Mapping[str, torch.Tensor]:
        """The trained weights, whole on rank 0; with LoRA without the base. Every rank calls it."""
        state = self.model.state_dict()
        if hasattr(self.model, "disable_adapter"):
            state = {name: state[name] for name in self.trainable_names()}
        return self.layout.weights(state)

    def adapters(self) -> list[Adapter]:
        """The adapters whose models are distributed over the ranks: the policy's first."""
        return [self.adapter]

    def configure_model(self) -> None:
        """Distribute the models over the ranks, once; the process group is initialised by then."""
        if not self._laid_out:
            for adapter in self.adapters():
                self.layout.distribute(adapter)
        self._laid_out = True

    def micro_batches(self, groups: Sequence[Group]) -> list[MicroBatch]:
        """The micro-batches of this rank's groups of a step.

        If the layout needs equal numbers of passes, ranks with fewer repeat their smallest one as
        dummies, whose loss has weight 0.
        """
        settings = self.settings
        found = in_micro_batches(
            groups, settings.tokens_per_pass, share_prompt=settings.share_prompt
        )
        if self.layout.needs_equal_passes:
            smallest = min(found, key=lambda one: sum(each.row_length for each in one.of(groups)))
            missing = max(processes.all_gather(len(found))) - len(found)
            found += [MicroBatch(smallest.groups, is_dummy=True)] * missing
        return found

    def rng_scope(self, micro_batch: MicroBatch) -> AbstractContextManager[None]:
        """A context in which a dummy does not advance the RNG.

        Dropout in later passes therefore does not depend on the layout.
        """
        if not micro_batch.is_dummy:
            return nullcontext()
        devices = [self.device] if self.device.type == "cuda" else []
        return torch.random.fork_rng(devices)

    def optimizer_step_with_clipping(self) -> float:
        """Sum gradients over ranks, clip and step; return the gradient norm before clipping."""
        optimizer: Any = self.optimizers()
        self.committed = True
        with room_for("AdamW's states"):
            return self.layout.step(optimizer.step)

    def backward(self, loss: torch.Tensor, *arguments: Any, **options: Any) -> None:
        """The backward pass that ``manual_backward`` runs: the layout's."""
        self.layout.backward(loss)

    def schedule_step(self) -> float:
        """Advance the schedule; return the learning rate of the step just done."""
        scheduler: Any = self.lr_schedulers()
        rate = scheduler.get_last_lr()[0]
        scheduler.step()
        return rate

    def log_step(self, metrics: dict[str, float], step: int) -> None:
        """Log the metrics of a step, which are the same on every rank.

        They are passed to the loggers directly: with ``self.log``, a metric of only some steps,
        such as the reward of one data set, would be repeated in all later steps.
        """
        for logger in self.loggers:
            logger.log_metrics({f"train/{name}": v for name, v in metrics.items()}, step=step)
        self.last_metrics = metrics

    def configure_optimizers(self) -> Any:
        """AdamW on the trainable parameters, with warm-up and a cosine schedule over the steps."""
        settings = self.settings
        if settings.warmup_steps >= self.steps and processes.rank() == 0:
            log.warning(
                "training.warmup_steps=%d of %d steps: the learning rate never reaches %g",
                *(settings.warmup_steps, self.steps, self.learning_rate),
            )
        optimizer = self.layout.optimizer(
            self.trainable_parameters(),
            settings.clip_norm,
            lr=self.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,  # the foreach version makes copies as large as its states
        )
        schedule = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, self.steps)
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only the trainable weights and optimiser states, gathered on rank 0."""
        learning = {f"model.{name}" for name in self.trainable_names()}
        state = checkpoint["state_dict"]
        kept = {name: state[name] for name in state if name in learning}
        checkpoint["state_dict"] = self.layout.weights(kept)
        checkpoint["optimizer_states"] = [
            self.layout.optimizer_state(state) for state in checkpoint["optimizer_states"]
        ]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this rank's shards of a checkpoint, whose format does not depend on the layout."""
        checkpoint["state_dict"] = self.layout.shard_weights(checkpoint["state_dict"], self)
        checkpoint["optimizer_states"] = [
            self.layout.shard_optimizer_state(state, self.trainable_parameters())
            for state in checkpoint["optimizer_states"]
        ]
