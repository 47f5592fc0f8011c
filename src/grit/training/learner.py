"""What every way of training shares: a policy, its optimiser and schedule, its checkpoints."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import ParallelStrategy
from torch.distributed.optim import ZeroRedundancyOptimizer
from transformers import get_cosine_schedule_with_warmup

from grit import processes
from grit.models.adapter import Adapter
from grit.seeding import seed_for
from grit.training.policy import Policy


@dataclass(frozen=True)
class Optimization:
    """AdamW with a cosine schedule, and how much goes into one forward pass."""

    max_steps: int
    learning_rate: float
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    share_prompt: bool = True
    tokens_per_pass: int = 16384
    tokens_per_chunk: int = 256
    seed: int = 0  # of dropout
    shard_optimizer: bool = False  # several processes: each keeps a part of AdamW's states


class Learner(pl.LightningModule):
    """A LightningModule that trains an adapter's model by manual optimisation."""

    def __init__(self, adapter: Adapter, optimization: Optimization, temperature: float) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.strict_loading = False  # checkpoints hold only what learns
        self.adapter = adapter
        self.model = adapter.model  # registers its parameters with Lightning
        self.optimization = optimization
        self.policy = Policy(
            adapter,
            share_prompt=optimization.share_prompt,
            temperature=temperature,
            tokens_per_chunk=optimization.tokens_per_chunk,
        )

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Give the step random numbers of its own: a resumed run drops out what it would have."""
        torch.manual_seed(seed_for(self.optimization.seed, "step", batch_idx, processes.rank()))

    def learning(self) -> list[torch.nn.Parameter]:
        """The parameters that learn."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def local_gradients(self) -> AbstractContextManager[None]:
        """While it lasts, backward passes leave gradients to this process.

        Processes may have different numbers of passes, so they meet once, at the optimiser's step,
        instead of at each backward.
        """
        strategy = self.trainer.strategy
        if isinstance(strategy, ParallelStrategy):
            return strategy.block_backward_sync()
        return nullcontext()

    def optimizer_step_with_clipping(self) -> float:
        """Sum the gradients of all processes, clip and step; the norm before clipping."""
        processes.sum_gradients(self.learning())
        norm = torch.nn.utils.clip_grad_norm_(self.learning(), self.optimization.clip_norm)
        optimizer: Any = self.optimizers()
        optimizer.step()
        return norm.item()

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
        settings = self.optimization
        adamw: dict[str, Any] = {
            "lr": settings.learning_rate,
            "weight_decay": settings.weight_decay,
            "fused": True,  # no copies of whole weights, as large as the states themselves
        }
        optimizer: torch.optim.Optimizer
        if settings.shard_optimizer and processes.count() > 1:
            optimizer = ZeroRedundancyOptimizer(self.learning(), torch.optim.AdamW, **adamw)
        else:
            optimizer = torch.optim.AdamW(self.learning(), **adamw)
        schedule = get_cosine_schedule_with_warmup(
            optimizer, settings.warmup_steps, settings.max_steps
        )
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only the weights that learn; the base model is where it came from."""
        learning = {f"model.{name}" for name, p in self.model.named_parameters() if p.requires_grad}
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: state[name] for name in state if name in learning}
