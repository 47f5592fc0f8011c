"""What every way of training shares: a policy, its optimiser and schedule, its checkpoints."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from transformers import get_cosine_schedule_with_warmup

from grit.core import processes
from grit.core.seeding import seed_for
from grit.models.adapter import Adapter
from grit.training.layouts.data_parallel import DataParallel
from grit.training.policy import Policy
from grit.training.rows import Group, Pass, in_passes
from grit.training.settings import TrainingSettings


class Learner(pl.LightningModule):
    """A LightningModule that trains an adapter's model by manual optimisation.

    Args:
        adapter: of the model.
        settings: of training.
        steps: optimiser steps of the whole training, over which the learning rate falls.
        learning_rate: after the warm-up.
        temperature: at which log-probabilities are taken.
        seed: of dropout.
        layout: how its weights lie on several processes.
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
        self.strict_loading = False  # checkpoints hold only what learns
        self.adapter = adapter
        self.model = adapter.model  # registers its parameters with Lightning
        self.settings = settings
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed
        self.layout = layout or DataParallel()
        self._laid_out = False
        self.committed = False  # the step under way has begun to change the weights
        self.policy = Policy(
            adapter,
            share_prompt=settings.share_prompt,
            temperature=temperature,
            tokens_per_chunk=settings.tokens_per_chunk,
        )

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Give the step random numbers of its own: a resumed run drops out what it would have."""
        self.committed = False
        torch.manual_seed(seed_for(self.seed, "step", batch_idx, processes.rank()))

    def learning(self) -> list[torch.nn.Parameter]:
        """The parameters that learn."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def learning_names(self) -> list[str]:
        """Their names, in the same order."""
        return [name for name, p in self.model.named_parameters() if p.requires_grad]

    def adapters(self) -> list[Adapter]:
        """Whose models are laid out over the processes: the policy's first."""
        return [self.adapter]

    def configure_model(self) -> None:
        """Lay the models out over the processes, which have met by now."""
        if not self._laid_out:
            for adapter in self.adapters():
                self.layout.distribute(adapter)
        self._laid_out = True

    def passes(self, groups: Sequence[Group]) -> list[Pass]:
        """The forward passes over this process's groups of a step.

        Where all ranks need an equal number of passes, ranks that have fewer repeat their smallest
        one as a dummy, whose loss has weight 0.
        """
        settings = self.settings
        passes = in_passes(groups, settings.tokens_per_pass, share_prompt=settings.share_prompt)
        if self.layout.needs_equal_passes:
            smallest = min(passes, key=lambda cut: sum(groups[i].row_length for i in cut.groups))
            missing = max(processes.gathered(len(passes))) - len(passes)
            passes += [Pass(smallest.groups, is_dummy=True)] * missing
        return passes

    def rng_scope(self, cut: Pass) -> AbstractContextManager[None]:
        """Keep a dummy pass from advancing the random generator.

        So dropout in later passes does not depend on the layout of the weights.
        """
        if not cut.is_dummy:
            return nullcontext()
        devices = [self.device] if self.device.type == "cuda" else []
        return torch.random.fork_rng(devices)

    def optimizer_step_with_clipping(self) -> float:
        """Sum the gradients of all processes, clip and step; the norm before clipping."""
        optimizer: Any = self.optimizers()
        self.committed = True
        return self.layout.step(optimizer.step)

    def backward(self, loss: torch.Tensor, *arguments: Any, **options: Any) -> None:
        """What ``manual_backward`` does."""
        self.layout.backward(loss)

    def schedule_step(self) -> float:
        """Advance the schedule; the learning rate that was in force."""
        scheduler: Any = self.lr_schedulers()
        rate = scheduler.get_last_lr()[0]
        scheduler.step()
        return rate

    def log_step(self, metrics: dict[str, float], step: int) -> None:
        """Log the metrics of a step, which are the same on every process.

        They go straight to the loggers: through ``self.log`` a metric that only some steps have,
        such as the reward of one data set, would be repeated in all later ones.
        """
        for logger in self.loggers:
            logger.log_metrics({f"train/{name}": v for name, v in metrics.items()}, step=step)
        for name in ("loss", "kl", "reward"):
            if name in metrics:
                self.log(f"train/{name}", metrics[name], batch_size=1, prog_bar=True, logger=False)

    def configure_optimizers(self) -> Any:
        """AdamW on what learns, with a cosine schedule over the steps."""
        settings = self.settings
        optimizer = self.layout.optimizer(
            self.learning(),
            settings.clip_norm,
            lr=self.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,  # no copies of whole weights, as large as the states themselves
        )
        schedule = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, self.steps)
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only the weights that learn, whole; the base model is where it came from."""
        learning = {f"model.{name}" for name in self.learning_names()}
        state = checkpoint["state_dict"]
        kept = {name: state[name] for name in state if name in learning}
        checkpoint["state_dict"] = self.layout.weights(kept)
        checkpoint["optimizer_states"] = [
            self.layout.optimizer_state(state) for state in checkpoint["optimizer_states"]
        ]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take what is this process's of a checkpoint, which is the same for every layout."""
        checkpoint["state_dict"] = self.layout.shard_weights(checkpoint["state_dict"], self)
        checkpoint["optimizer_states"] = [
            self.layout.shard_optimizer_state(state, self.learning())
            for state in checkpoint["optimizer_states"]
        ]
