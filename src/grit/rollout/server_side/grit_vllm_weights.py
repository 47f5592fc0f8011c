"""Runs inside vLLM's workers: all weights from a safetensors file, as a weight-transfer backend.

vLLM imports this module by ``--worker-extension-cls grit_vllm_weights.Weights``, in its own
environment: it imports nothing of the suite. vLLM's own backends, nccl and ipc, need CUDA; a file,
in memory (/dev/shm) or on a shared disk, works everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from safetensors import safe_open
from torch import Tensor, nn
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory
from vllm.model_executor.model_loader.reload import (
    finalize_layerwise_reload,
    initialize_layerwise_reload,
)

BACKEND = "grit_file"


@dataclass
class NoInit(WeightTransferInitInfo):
    """There is nothing to set up."""


@dataclass
class File(WeightTransferUpdateInfo):
    """Where the weights are."""

    path: str


class FileEngine(WeightTransferEngine[NoInit, File]):
    """Loads all weights of a model from a file, by the names of transformers."""

    init_info_cls = NoInit
    update_info_cls = File

    def init_transfer_engine(self, init_info: NoInit) -> None:
        """Nothing."""

    def start_weight_update(self) -> None:
        """Make every layer wait for its weights."""
        initialize_layerwise_reload(self.model)

    def receive_weights(self, update_info: File) -> None:
        """Load the file, one weight at a time."""
        self.model.load_weights(_weights(update_info.path))

    def finish_weight_update(self) -> None:
        """Prepare the layers for computing with their new weights."""
        finalize_layerwise_reload(self.model, self.model_config)
        _repack_tied_head(self.model)

    def shutdown(self) -> None:
        """Nothing."""


def _weights(path: str) -> Iterable[tuple[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        names = file.keys()  # it is no mapping, and cannot be iterated over
        for name in names:
            yield name, file.get_tensor(name)


def _repack_tied_head(model: nn.Module) -> None:
    """On a CPU a head that is tied to the embeddings has a packed copy, which the reload forgets.

    Seen in vLLM 0.32: without this, outputs follow the old head.
    """
    for module in model.modules():
        if type(module).__name__ == "ParallelLMHead" and hasattr(module, "cpu_linear"):
            method: Any = module.quant_method
            method.process_weights_after_loading(module)


class Weights:
    """The worker extension; importing this module registers the backend in the worker."""


if BACKEND not in WeightTransferEngineFactory._registry:
    WeightTransferEngineFactory.register_engine(BACKEND, FileEngine)
