"""Out of memory on the GPU: which setting to lower."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grit.core.errors import GritError


@contextmanager
def hint_on_oom(setting: str) -> Iterator[None]:
    """Name the setting to lower where the block runs out of the GPU's memory.

    Raises:
        GritError: the block needed more memory than the GPU has.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        wanted = str(error).partition(" GPU ")[0]  # its advice is about the allocator
        raise GritError(f"the GPU's memory is full ({wanted}): lower {setting}") from error
