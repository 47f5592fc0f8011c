"""DeepSpeed's ZeRO stage 2: replicated weights, sharded gradients and AdamW states.

The ``deepspeed`` package is used without Lightning's strategy for it, which supports neither the
CPU nor a checkpoint in a single file. Its engine reduces gradients in each backward pass, so all
ranks must run the same number of passes in an update. Sampling and evaluation need no collectives,
because every rank has all weights.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from grit.core import processes
from grit.models.adapter import Adapter
from grit.training.layouts.data_parallel import DataParallel, finite

BUCKET = 2**26  # elements of a gradient bucket, which is a buffer that stays allocated


class ShardedGradients(DataParallel):
    """Replicates weights; shards gradients and optimiser states (ZeRO stage 2)."""

    needs_equal_passes = True

    def __init__(self) -> None:
        super().__init__()
        self._engine: Any = None
        self._device = torch.device("cpu")

    def distribute(self, adapter: Adapter) -> None:
        """Broadcast the weights from rank 0, and note the device."""
        super().distribute(adapter)
        self._device = adapter.device

    def optimizer(
        self, trainable: Sequence[nn.Parameter], clip_norm: float, **adamw: Any
    ) -> torch.optim.Optimizer:
        """AdamW on this rank's shard of all trainable weights, flattened into one tensor."""
        self._trainable, self._clip_norm = list(trainable), clip_norm
        os.environ.setdefault("DS_ACCELERATOR", self._device.type)
        import deepspeed  # optional, and slow to import

        if self._device.type == "cpu":  # gloo needs no compiled transport
            deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        log = logging.getLogger("DeepSpeed")
        log.setLevel(logging.ERROR)  # silences a warning about the subclass of AdamW
        optimizer = _FlatAdamW(self._trainable, **adamw)
        self._engine, *_ = deepspeed.initialize(
            model=_Losses(self._trainable),
            optimizer=optimizer,
            model_parameters=self._trainable,
            config=self._settings(),
            dist_init_required=False,
        )
        log.setLevel(logging.WARNING)
        optimizer.engine = self._engine
        return optimizer

    def _settings(self) -> dict[str, Any]:
        return {
            "train_micro_batch_size_per_gpu": 1,  # only used for its counters
            "gradient_accumulation_steps": 1,
            "managed_gradient_accumulation": False,  # step() marks the end of accumulation
            "gradient_allreduce_op": "sum",  # losses have the weights of the whole step
            "gradient_clipping": self._clip_norm,
            "zero_allow_untested_optimizer": True,
            "zero_optimization": {"stage": 2, "reduce_bucket_size": BUCKET},
        }

    def begin_update(self) -> None:
        """Nothing: the engine clears gradients in its step."""

    def backward(self, loss: Tensor) -> None:
        """Sum the gradients of a pass over ranks, and accumulate this rank's shard."""
        self._engine.backward(self._engine(loss))

    def step(self, take: Callable[[], Any]) -> float:
        """Clip and call ``take``, the optimiser's step; all-gathers the new weights."""
        take()
        return finite(self._engine.get_global_grad_norm())  # known after the step only

    def weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """CPU copies of weights that are views of a larger tensor, which would be saved whole."""
        copies: dict[int, Tensor] = {}  # by address: tied weights stay tied
        return {
            name: copies.setdefault(tensor.data_ptr(), tensor.to("cpu", copy=True))
            if tensor.untyped_storage().nbytes() > tensor.nbytes and processes.rank() == 0
            else tensor
            for name, tensor in state.items()
        }


class _Losses(nn.Module):
    """Stands in for the model in DeepSpeed's engine: its forward returns the loss it is given."""

    def __init__(self, trainable: Sequence[nn.Parameter]) -> None:
        super().__init__()
        self.trainable = nn.ParameterList(trainable)

    def forward(self, loss: Tensor) -> Tensor:
        return loss * 1.0  # a new tensor for the engine's hooks


class _FlatAdamW(torch.optim.AdamW):
    """AdamW whose ``step`` runs the engine's, and whose ``state_dict`` has unsharded parameters.

    The engine replaces its parameters by this rank's flat shard of all of them.
    """

    def __init__(self, trainable: Sequence[nn.Parameter], **adamw: Any) -> None:
        super().__init__(trainable, **adamw)
        self.shapes = [parameter.shape for parameter in trainable]
        self.engine: Any = None
        self._stepping = False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run the engine's step, which calls this method again to update this rank's shard."""
        if self._stepping:
            return super().step()
        result = closure() if closure is not None else None
        self._stepping = True
        try:
            self.engine.step()
        finally:
            self._stepping = False
        return result

    def state_dict(self) -> dict[str, Any]:
        """The unsharded states, gathered on rank 0; every rank has to call it."""
        found = super().state_dict()
        whole = {name: self._gathered(value) for name, value in found["state"].get(0, {}).items()}
        states = range(len(self.shapes)) if found["state"] else ()
        return {
            "state": {
                i: {name: values[i] for name, values in whole.items() if values} for i in states
            },
            "param_groups": [found["param_groups"][0] | {"params": list(range(len(self.shapes)))}],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load this rank's shard of unsharded states."""
        states = [state_dict["state"][i] for i in sorted(state_dict["state"])]
        names = states[0] if states else ()  # none before the first step
        mine = {name: self._own_shard([state[name] for state in states]) for name in names}
        group = dict(state_dict["param_groups"][0]) | {"params": [0]}
        super().load_state_dict({"state": {0: mine} if mine else {}, "param_groups": [group]})

    @property
    def _shard(self) -> nn.Parameter:
        return self.param_groups[0]["params"][0]

    def _gathered(self, value: Tensor) -> list[Tensor]:
        """A state of each parameter, gathered on rank 0; empty on other ranks."""
        if value.dim() == 0:  # the step count
            return [value.clone() for _ in self.shapes]
        parts = None
        if processes.rank() == 0:
            parts = [torch.empty_like(value) for _ in range(processes.world_size())]
        dist.gather(value, parts)
        if parts is None:
            return []
        flat = torch.cat([part.cpu() for part in parts])
        sizes = [shape.numel() for shape in self.shapes]
        return [
            each.view(shape).clone()
            for each, shape in zip(flat[: sum(sizes)].split(sizes), self.shapes, strict=True)
        ]

    def _own_shard(self, values: list[Tensor]) -> Tensor:
        """This rank's flat, zero-padded shard of a state, from that of each parameter."""
        if values[0].dim() == 0:
            return values[0]
        flat = torch.cat([value.flatten() for value in values])
        size = self._shard.numel()
        start = processes.rank() * size
        part = flat[start : start + size]
        return nn.functional.pad(part, (0, size - len(part)))
