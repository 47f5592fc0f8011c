"""LoRA adapters merged into the weights of the base while completions are sampled."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from peft.tuners.lora import LoraLayer

from grit.models.adapter import Adapter


@contextmanager
def merged_lora(adapter: Adapter) -> Iterator[None]:
    """Within the context every layer is one product, W + BA rounded to the precision of W.

    An adapter costs three more kernels and casts a layer, which is what a decode step on a GPU
    takes most of its time for (benchmarks/README.md). Merging takes the memory of the merged
    weights once more. The base's own are put back untouched: nothing is subtracted again.
    """
    layers = [each for each in adapter.model.modules() if isinstance(each, LoraLayer)]
    kept = [layer.get_base_layer().weight.data for layer in layers]
    try:
        with torch.no_grad():
            for layer, weight in zip(layers, kept, strict=True):
                names = layer.active_adapters
                change = sum(layer.get_delta_weight(name).float() for name in names)
                layer.get_base_layer().weight.data = (weight.float() + change).to(weight.dtype)
                layer.merged_adapters = list(names)  # the forward takes the base layer alone
        yield
    finally:
        for layer, weight in zip(layers, kept, strict=True):
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters = []
