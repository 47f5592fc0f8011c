"""Gradient checkpointing as far as memory asks for it: ``model.gradient_checkpointing=auto``."""

import logging
import os
from dataclasses import replace

import torch

from grit.config.schema import Config
from grit.models.adapter import Adapter
from grit.training.costs import GIGA, Load, Sizes, memory

SHARE = 0.7  # of a device's memory that an estimate may take: it leaves out buffers and fragments

log = logging.getLogger(__name__)


def recomputed_layers(config: Config, sizes: Sizes, load: Load, available: float) -> int:
    """How many layers of the language model compute their activations again.

    Args:
        config: of the run.
        sizes: of its model, as it is trained.
        load: a device's work in a step.
        available: a device's memory, GB.
    """
    setting = config.model.gradient_checkpointing
    if setting != "auto":
        return sizes.layers if setting else 0
    for layers in range(sizes.layers):
        needed = memory(sizes, replace(load, recomputed_layers=layers))
        if needed["total"] <= SHARE * available:
            return layers
    return sizes.layers


def set_checkpointing(
    config: Config, adapter: Adapter, sizes: Sizes, load: Load, device: torch.device
) -> None:
    """Switch gradient checkpointing on for the layers that need it; the last ones keep theirs."""
    available = memory_of(device)
    layers = recomputed_layers(config, sizes, load, available)
    if not layers:
        return
    adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
    if layers < sizes.layers:
        for layer in adapter.plain.model.language_model.layers[layers:]:
            layer.gradient_checkpointing = False
        found = f"{layers} of {sizes.layers} layers, as memory of {available:.0f} GB asks for"
        log.info("gradient checkpointing: %s", found)


def memory_of(device: torch.device) -> float:
    """A device's memory in GB, whoever uses it."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory / GIGA)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGA
