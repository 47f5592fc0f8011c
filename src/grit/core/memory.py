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
        wanted = str(error).partition(" GPU ")[0]  # the rest is advice about the allocator
        ended = Resumable if processes.world_size() == 1 else GritError
        raise ended(f"the GPU's memory is full ({wanted}): lower {setting}") from error
