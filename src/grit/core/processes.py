"""The ranks of a data-parallel run; with one process everything here is a no-op."""

import gc
import os
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
import torch.distributed as dist

from grit.core.errors import Resumable

Value = TypeVar("Value")
_ALONE = re.compile(r"gloo.*(?:Timed out waiting|Connection (?:closed|reset) by peer|Broken pipe)")
BUCKET = 2**28  # bytes of gradients per all-reduce: a flat copy of all may not fit into memory


def world_size() -> int:
    """World size; 1 without torch.distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Rank of this process; 0 without torch.distributed."""
    return dist.get_rank() if world_size() > 1 else 0


def all_gather(value: Value) -> list[Value]:
    """All-gather: the ``value`` of every rank, in rank order; every rank has to call it."""
    if world_size() == 1:
        return [value]
    values = [value] * world_size()
    dist.all_gather_object(values, value)
    return values


def fail_together(call: Callable[[], Value]) -> Value:
    """Run ``call`` on this rank; if it fails on one rank, fail on all. Every rank has to call it.

    Raises:
        Resumable: the call raised it on some rank; now all ranks stop at the same step.
    """
    failure: Resumable | None = None
    try:
        value = call()
    except Resumable as error:
        failure = error
    for said in all_gather(None if failure is None else str(failure)):
        if said is not None:
            raise Resumable(said) from failure
    return value


def launcher() -> list[str]:
    """The command that starts a run with this world size, up to ``-m grit``."""
    if world_size() == 1:
        return ["python"]
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    return torchrun(nodes, world_size() // nodes)


def torchrun(nodes: int, devices: int) -> list[str]:
    """The torchrun command for ``devices`` processes on each of ``nodes`` hosts.

    On several each host is told its number N, and the address HOST of the first.
    """
    where = ["--standalone"]
    if nodes > 1:
        where = [f"--nnodes={nodes}", "--node-rank=N", "--master-addr=HOST"]
    # torchrun kills its processes 30 s after a signal otherwise (trainer.stop_within).
    return ["torchrun", *where, f"--nproc_per_node={devices}", "--shutdown-timeout=900"]


def is_alone(error: BaseException | None) -> bool:
    """Whether an error was caused by another rank that has ended or does not answer.

    gloo raises a RuntimeError then. NCCL raises nothing: its watchdog thread ends the process.
    """
    while error is not None:
        if isinstance(error, RuntimeError) and _ALONE.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def leave() -> None:
    """Destroy the process group, at the end of a run that all ranks have finished.

    Otherwise a gloo thread that is still freeing the tensors of the last message would abort the
    process at its exit (https://github.com/pytorch/pytorch/pull/179291); destroying the group waits
    for that thread. Do not call it after a failure: ranks still in a collective would wait for each
    other, while torchrun ends them as soon as one rank has failed.
    """
    if world_size() > 1:
        gc.collect()  # an unreachable sharded model keeps its process group
        dist.destroy_process_group()


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """All-reduce (sum) the gradients over the ranks, in buckets of about ``BUCKET`` bytes.

    A parameter without a gradient on this rank contributes 0: another rank may have one.
    """
    if world_size() == 1:
        return
    bucket: list[torch.Tensor] = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if bucket and (_size(bucket) >= BUCKET or bucket[0].dtype != parameter.grad.dtype):
            _sum(bucket)
            bucket = []
        bucket.append(parameter.grad)
    if bucket:
        _sum(bucket)


def _size(gradients: list[torch.Tensor]) -> int:
    return sum(gradient.nbytes for gradient in gradients)


def _sum(gradients: list[torch.Tensor]) -> None:
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, part in zip(gradients, flat.split(sizes), strict=True):
        gradient.copy_(part.view_as(gradient))
