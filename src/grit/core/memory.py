"""A GPU whose memory is full: which setting makes room."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from grit.core.errors import GritError


@contextmanager
def room_by(setting: str) -> Iterator[None]:
    """Name the setting that makes room.

    Raises:
        GritError: the block needed more memory than the GPU has.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        wanted = str(error).partition(" GPU ")[0]  # its advice is about the allocator
        raise GritError(f"the GPU's memory is full ({wanted}): lower {setting}") from error
