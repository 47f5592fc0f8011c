"""Torch's fully sharded data parallelism (FSDP2): each rank has a shard of every decoder layer.

The layers of the language model are sharded, with their gradients, optimiser states and reference.
Embeddings, ``lm_head``, norms and the vision tower are replicated, because ranks call them
different numbers of times: the vision tower only for images whose features are not cached,
``lm_head`` once per chunk of tokens.

A forward or backward pass all-gathers one layer after the other, so all ranks must run the same
number of passes. In sampling, where they do not, all layers are gathered beforehand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from grit.core import processes
from grit.models.adapter import Adapter
from grit.training.layouts.data_parallel import DataParallel, finite


class ShardedLayers(DataParallel):
    """Shards the decoder layers over the ranks; replicates all other weights."""

    needs_equal_passes = True

    def __init__(self) -> None:
        super().__init__()
        self._sharded: list[nn.Module] = []  # language models: the policy's, and the reference's
        self._ran: set[nn.Module] = set()  # those that have run a forward pass
        self._owned: list[nn.Parameter] = []  # this rank's shard of each trainable weight

    def distribute(self, adapter: Adapter) -> None:
        """Shard the decoder layers of a model's language model."""
        super().distribute(adapter)
        language_model = adapter.plain.model.language_model
        mesh = init_device_mesh(adapter.device.type, (processes.world_size(),))
        for layer in language_model.layers:
            fully_shard(layer, mesh=mesh)
        rest = {p for p in language_model.parameters() if not isinstance(p, DTensor)}
        fully_shard(language_model, mesh=mesh, ignored_params=rest)
        for module in _fsdp_modules(language_model):
            # Losses have the weights of the whole step: gradients are summed, not averaged.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)  # gloo has no averaging reduction
        language_model.register_forward_pre_hook(lambda module, _: self._ran.add(module))
        self._sharded.append(language_model)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """A context in which every rank has all of the policy's layers."""
        modules = _fsdp_modules(self._sharded[0])
        for module in modules:
            module.set_reshard_after_forward(False)
            module.unshard()
        try:
            yield
        finally:
            for module in modules:
                module.set_reshard_after_forward(True)
                module.reshard()

    def optimizer(
        self, trainable: Sequence[nn.Parameter], clip_norm: float, **adamw: Any
    ) -> torch.optim.Optimizer:
        """AdamW on this rank's shards as plain tensors: it has no fast path for DTensors."""
        self._trainable, self._clip_norm = list(trainable), clip_norm
        self._owned = [
            nn.Parameter(_local_shard(p)) if isinstance(p, DTensor) else p for p in self._trainable
        ]
        return torch.optim.AdamW(self._owned, **adamw)

    def begin_update(self) -> None:
        """Clear the gradients of the last step, and FSDP's record of passes without backward."""
        super().begin_update()
        for owned in self._owned:
            owned.grad = None
        for model in self._ran:  # backward prefetches in the recorded order
            _fsdp_modules(model)[0].reset_iter_state()

    def step(self, take: Callable[[], Any]) -> float:
        """All-reduce gradients of replicated weights, clip by the norm over all ranks, step."""
        replicated = [p for p in self._trainable if not isinstance(p, DTensor)]
        processes.sum_gradients(replicated)
        shards = []
        for parameter, owned in zip(self._trainable, self._owned, strict=True):
            if isinstance(parameter, DTensor):
                owned.data = _local_shard(parameter)
                owned.grad = None if parameter.grad is None else _local_shard(parameter.grad)
                shards.append(owned)
        of_shards = nn.utils.get_total_norm([p.grad for p in shards if p.grad is not None]) ** 2
        of_shards = of_shards.to(self._trainable[0].device)
        dist.all_reduce(of_shards)
        of_replicated = (
            nn.utils.get_total_norm([p.grad for p in replicated if p.grad is not None]) ** 2
        )
        norm = (of_shards + of_replicated.to(of_shards)).sqrt()
        value = finite(norm)
        nn.utils.clip_grads_with_norm_(self._owned, self._clip_norm, norm)
        take()
        return value

    def weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Full weights on rank 0, on the CPU if they were gathered."""
        return {name: _gathered(tensor, tensor) for name, tensor in state.items()}

    def shard_weights(self, weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
        """This rank's shards of full weights."""
        like = dict(model.named_parameters())
        return {name: _distributed(weight, like.get(name)) for name, weight in weights.items()}

    def optimizer_state(self, state: dict[str, Any]) -> dict[str, Any]:
        """The unsharded states on rank 0, as AdamW has them on one process."""
        return state | {
            "state": {
                i: {name: _gathered(each, self._trainable[i]) for name, each in states.items()}
                for i, states in state["state"].items()
            }
        }

    def shard_optimizer_state(
        self, state: dict[str, Any], trainable: Sequence[nn.Parameter]
    ) -> dict[str, Any]:
        """The states of this rank's shards."""
        return state | {
            "state": {
                i: {
                    name: _local_shard(_distributed(each, trainable[i]))
                    for name, each in states.items()
                }
                for i, states in state["state"].items()
            }
        }


def _fsdp_modules(model: nn.Module) -> list[FSDPModule]:
    """The FSDP modules of a sharded model: itself and its layers."""
    return [module for module in model.modules() if isinstance(module, FSDPModule)]


def _local_shard(tensor: Tensor) -> Tensor:
    """This rank's shard of a tensor, in the same memory; the tensor itself if not sharded."""
    return tensor.to_local().detach() if isinstance(tensor, DTensor) else tensor


def _gathered(tensor: Tensor, like: Tensor) -> Tensor:
    """``tensor``, sharded like ``like``, gathered on rank 0; empty on other ranks."""
    if not isinstance(like, DTensor) or tensor.dim() == 0:  # AdamW's step count
        return tensor
    if not isinstance(tensor, DTensor):
        tensor = DTensor.from_local(
            tensor,
            like.device_mesh,
            like.placements,
            run_check=False,
            shape=like.shape,
            stride=like.stride(),
        )
    assert isinstance(tensor, DTensor)
    whole = tensor.full_tensor()
    return whole.cpu() if processes.rank() == 0 else whole.new_empty(0)


def _distributed(tensor: Tensor, like: Tensor | None) -> Tensor:
    """A full tensor as a DTensor sharded like ``like``, without communication."""
    if not isinstance(like, DTensor) or tensor.dim() == 0:
        return tensor
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)
