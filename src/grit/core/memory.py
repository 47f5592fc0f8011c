"""Errors that name the setting to lower when the GPU is out of memory (OOM)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grit.core import processes
from grit.core.errors import GritError, Resumable


@contextmanager
def hint_on_oom(setting: str) -> Iterator[None]:
    """Turn an OOM error of the block into one that names the setting to lower.

    Raises:
        GritError: the block needed more memory than the GPU has; Resumable with one process, which
            loses nothing by a checkpoint. With several, others wait for this one and save none.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        ended = Resumable if processes.world_size() == 1 else GritError
        raise ended(f"the GPU's memory is full ({_wanted(error)}): lower {setting}") from error


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Turn an OOM error of the block into one that says what does not fit, whatever is lowered.

    Raises:
        GritError: the block needed more memory than the GPU has.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise GritError(
            f"the GPU's memory is full ({_wanted(error)}): it has no room for {what}; take "
            "model.adaptation=lora, model.dtype=bfloat16, trainer=fsdp on several GPUs, a smaller "
            "model, or a larger GPU (task=check estimates what is needed)"
        ) from error


def moved(model: torch.nn.Module, device: torch.device) -> None:
    """Move a model's weights to the device; raises GritError where they do not fit."""
    with room_for("the model's weights"):
        model.to(device)


def _wanted(error: torch.OutOfMemoryError) -> str:
    return str(error).partition(" GPU ")[0]  # the rest is advice about the allocator
