"""Data parallelism with whole weights on every rank, and what the other layouts share with it."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.distributed.optim import ZeroRedundancyOptimizer

from grit.core import processes
from grit.core.errors import GritError
from grit.models.adapter import Adapter


class DataParallel:
    """Every rank has all weights; gradients are summed once a step.

    With ``share_optimizer`` AdamW's states are sharded (ZeRO stage 1). With one process this is
    plain training; other layouts are subclasses.
    """

    needs_equal_passes = False  # whether all ranks have to run the same number of passes

    def __init__(self, *, share_optimizer: bool = False) -> None:
        self.share_optimizer = share_optimizer
        self._learning: list[nn.Parameter] = []
        self._clip_norm = 0.0

    def distribute(self, adapter: Adapter) -> None:
        """Lay out a model over the ranks, before an optimiser holds its parameters."""
        if processes.count() > 1:  # they were loaded alike; this makes it sure
            for parameter in adapter.model.parameters():
                dist.broadcast(parameter.detach(), 0)

    def gathered(self) -> AbstractContextManager[None]:
        """Within it each rank runs any number of forward passes, without gradient.

        Every rank has to enter and leave it.
        """
        return nullcontext()

    def optimizer(
        self, learning: Sequence[nn.Parameter], clip_norm: float, **adamw: Any
    ) -> torch.optim.Optimizer:
        """AdamW on the parameters that learn, whose gradients are clipped to ``clip_norm``."""
        self._learning, self._clip_norm = list(learning), clip_norm
        if self.share_optimizer and processes.count() > 1:
            return ZeroRedundancyOptimizer(self._learning, torch.optim.AdamW, **adamw)
        return torch.optim.AdamW(self._learning, **adamw)

    def begin_update(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self._learning:
            parameter.grad = None

    def backward(self, loss: Tensor) -> None:
        """Add a pass's gradients to those of the step."""
        loss.backward()

    def step(self, take: Callable[[], Any]) -> float:
        """Sum the gradients of all processes, clip them and ``take`` the optimiser's step.

        Returns:
            The norm of the gradients before clipping.

        Raises:
            GritError: it is not finite, and so would all weights be after the step.
        """
        processes.sum_gradients(self._learning)
        norm = finite(nn.utils.clip_grad_norm_(self._learning, self._clip_norm))
        take()
        return norm

    def weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Entries of the model's ``state_dict``, each whole on rank 0.

        Every rank has to call it.
        """
        return dict(state)

    def shard_weights(self, weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
        """This rank's shards of whole weights, as ``model.load_state_dict`` takes them."""
        return dict(weights)

    def optimizer_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """The optimiser's ``state_dict``, each tensor whole on rank 0.

        Every rank has to call it.
        """
        return state

    def shard_optimizer_state(
        self, state: dict[str, Any], learning: Sequence[nn.Parameter]
    ) -> dict[str, Any]:
        """This rank's shards of what ``optimizer_state`` gave, as the optimiser loads them."""
        return state


def finite(norm: Tensor | float) -> float:
    """The norm of a step's gradients, the same on every process; GritError where it is none."""
    value = float(norm)
    if not math.isfinite(value):
        raise GritError(
            f"training diverged: the norm of a step's gradients is {value}; the checkpoints are "
            "those of steps before it. Lower training.learning_rate"
        )
    return value


class Unwrapped(DDPStrategy):
    """Lightning's way to run several processes, without DDP around the module.

    DDP would keep all gradients a second time, in its buckets; our gradients meet elsewhere.
    """

    def configure_ddp(self) -> None:
        """Leave the module as it is."""
