"""Data parallelism with replicated weights, and the interface of the other layouts."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy, Strategy
from torch import Tensor, nn
from torch.distributed.optim import ZeroRedundancyOptimizer

from grit.core import processes
from grit.core.errors import GritError
from grit.models.adapter import Adapter


class ShardedOptimizer(ZeroRedundancyOptimizer):
    """ZeroRedundancyOptimizer that can resume fused AdamW from a checkpoint.

    Torch's own loads step counts to the CPU, where fused GPU kernels cannot use them (PyTorch issue
    124133), and keeps a second copy of this rank's states, which nothing reads.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the states, with each step count beside its parameter."""
        super().load_state_dict(state_dict)
        self.state.clear()
        for parameter, state in self.optim.state.items():
            state["step"] = state["step"].to(parameter.device)


class DataParallel:
    """Replicates all weights on every rank; gradients are all-reduced once per step.

    With ``shard_optimizer`` AdamW's states are sharded (ZeRO stage 1). With one process this is
    ordinary training. Other layouts are subclasses.
    """

    needs_equal_passes = False  # whether all ranks have to run the same number of passes

    def __init__(self, *, shard_optimizer: bool = False) -> None:
        self.shard_optimizer = shard_optimizer
        self._trainable: list[nn.Parameter] = []
        self._clip_norm = 0.0

    def distribute(self, adapter: Adapter) -> None:
        """Distribute a model over the ranks; called before the optimiser is created."""
        if processes.world_size() > 1:  # all loaded the same weights; this guarantees it
            for parameter in adapter.model.parameters():
                dist.broadcast(parameter.detach(), 0)

    def gathered(self) -> AbstractContextManager[None]:
        """A context in which ranks may run different numbers of forward passes, without gradient.

        Every rank has to enter and leave it.
        """
        return nullcontext()

    def optimizer(
        self, trainable: Sequence[nn.Parameter], clip_norm: float, **adamw: Any
    ) -> torch.optim.Optimizer:
        """AdamW on the trainable parameters, with gradients clipped to the norm ``clip_norm``."""
        self._trainable, self._clip_norm = list(trainable), clip_norm
        if self.shard_optimizer and processes.world_size() > 1:
            return ShardedOptimizer(self._trainable, torch.optim.AdamW, **adamw)
        return torch.optim.AdamW(self._trainable, **adamw)

    def begin_update(self) -> None:
        """Clear the gradients of the last step."""
        for parameter in self._trainable:
            parameter.grad = None

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of a forward pass."""
        loss.backward()

    def step(self, take: Callable[[], Any]) -> float:
        """All-reduce (sum) and clip the gradients, and call ``take``, the optimiser's step.

        Returns:
            The norm of the gradients before clipping.

        Raises:
            GritError: the norm is not finite, so the step would make all weights non-finite.
        """
        processes.sum_gradients(self._trainable)
        norm = finite(nn.utils.clip_grad_norm_(self._trainable, self._clip_norm))
        take()
        return norm

    def weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Entries of the model's ``state_dict``, each gathered on rank 0.

        Every rank has to call it.
        """
        return dict(state)

    def shard_weights(self, weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
        """This rank's shards of full weights, for ``model.load_state_dict``."""
        return dict(weights)

    def optimizer_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """The optimiser's ``state_dict``, each tensor gathered on rank 0.

        Every rank has to call it.
        """
        return state

    def shard_optimizer_state(
        self, state: dict[str, Any], trainable: Sequence[nn.Parameter]
    ) -> dict[str, Any]:
        """This rank's shards of the result of ``optimizer_state``, for the optimiser to load."""
        return state


def finite(norm: Tensor | float) -> float:
    """The gradient norm of a step, the same on every rank; GritError if it is not finite."""
    value = float(norm)
    if not math.isfinite(value):
        raise GritError(
            f"training diverged: the norm of a step's gradients is {value}; the checkpoints are "
            "those of steps before it. Lower training.learning_rate"
        )
    return value


class _Staying(Strategy):
    """Ends without Lightning's way over the CPU, where each rank would have its own copy.

    Of a 3B model's weights, gradients and AdamW's states that is 60 GB of the host's memory a rank;
    and NCCL gathers no shards there.
    """

    def teardown(self) -> None:
        """Forget the optimiser's states and leave the model where it is."""
        for optimizer in self.optimizers:  # a layout may still have it
            optimizer.state.clear()
        self.optimizers, self.lr_scheduler_configs = [], []
        self.precision_plugin.teardown()
        assert self.accelerator is not None
        self.accelerator.teardown()
        self.checkpoint_io.teardown()


class OneDevice(SingleDeviceStrategy, _Staying):
    """Lightning's strategy of a single process."""


class Unwrapped(DDPStrategy, _Staying):
    """Lightning's DDP strategy without wrapping the module in DistributedDataParallel.

    DDP would store all gradients twice, the second time in its buckets. The layouts reduce them.
    """

    def configure_ddp(self) -> None:
        """Do not wrap the module."""
