"""Writing a checkpoint to disk."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from grit.core.disk import needing


class CheckpointFiles(TorchCheckpointIO):
    """Writes a checkpoint directly to its path.

    Lightning's own plugin serialises it in memory and then writes a temporary file in ``$TMPDIR``,
    which may be small and keeps the file if the process is killed. ``Checkpoints`` makes writing
    atomic: it saves under another name and renames.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write and fsync the file; it is removed if writing fails."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        size = sum(tensor.nbytes for tensor in _tensors(checkpoint))
        try:
            with needing("a checkpoint", size), path.open("wb") as stream:
                torch.save(checkpoint, stream)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
