"""The processes of a data-parallel run; with one process everything here is a no-op."""

from collections.abc import Iterable
from typing import TypeVar

import torch
import torch.distributed as dist

Value = TypeVar("Value")


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


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes, in one message a data type.

    A parameter that had no gradient here may have one elsewhere, and counts as 0.
    """
    if count() == 1:
        return
    by_dtype: dict[torch.dtype, list[torch.Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        by_dtype.setdefault(parameter.grad.dtype, []).append(parameter.grad)
    for gradients in by_dtype.values():
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, part in zip(gradients, flat.split(sizes), strict=True):
            gradient.copy_(part.view_as(gradient))
