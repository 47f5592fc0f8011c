"""The processes of a data-parallel run; with one process everything here is a no-op."""

import gc
import os
import re
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TypeVar

import torch
import torch.distributed as dist

from grit.core.errors import Resumable

Value = TypeVar("Value")
_ALONE = re.compile(r"gloo.*(?:Timed out waiting|Connection (?:closed|reset) by peer|Broken pipe)")
BUCKET = 2**28  # bytes of gradients that travel together: a copy of all would not fit everywhere


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which one this is."""
    return dist.get_rank() if count() > 1 else 0


def gathered(value: Value) -> list[Value]:
    """The ``value`` of every process, in order of rank; every process has to call it."""
    if count() == 1:
        return [value]
    values = [value] * count()
    dist.all_gather_object(values, value)
    return values


def all_or_none(future: "Future[Value]") -> Value:
    """What this process's future comes to; every process has to call it.

    Raises:
        Resumable: that of one process is raised on every one, so that all stop at the same step.
    """
    failure: Resumable | None = None
    try:
        value = future.result()
    except Resumable as error:
        failure = error
    for said in gathered(None if failure is None else str(failure)):
        if said is not None:
            raise Resumable(said) from failure
    return value


def launcher() -> list[str]:
    """How processes like these are started, up to ``-m grit``."""
    if count() == 1:
        return ["python"]
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    return torchrun(nodes, count() // nodes)


def torchrun(nodes: int, devices: int) -> list[str]:
    """How a process is started for each of so many ``devices`` of each of so many ``nodes``."""
    where = "--standalone" if nodes == 1 else f"--nnodes={nodes}"
    return ["torchrun", where, f"--nproc_per_node={devices}"]


def is_alone(error: BaseException | None) -> bool:
    """Whether an error came of another process that has ended, or does not answer.

    gloo says so in a RuntimeError. Of NCCL nothing gets here: its own thread ends the process.
    """
    while error is not None:
        if isinstance(error, RuntimeError) and _ALONE.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def leave() -> None:
    """End the connections to the other processes, at the end of a run that all have come to.

    A thread of gloo's that still drops the tensors of the last message would abort a process that
    ends (https://github.com/pytorch/pytorch/pull/179291); freeing its group waits for the thread.
    Not for a run that failed: those still in a collective would wait for each other, and torchrun
    ends them as soon as one has failed.
    """
    if count() > 1:
        gc.collect()  # what is left of a sharded model keeps its group
        dist.destroy_process_group()


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes, in messages of many gradients.

    A parameter that had no gradient here may have one elsewhere, and counts as 0.
    """
    if count() == 1:
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
