"""LoRA: put into a model, found in it, and merged into its weights while it samples."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from grit.core.errors import GritError
from grit.models.adapter import Adapter
from grit.models.settings import LoraSettings

log = logging.getLogger(__name__)


def add_lora(adapter: Adapter, lora: LoraSettings, *, with_vision: bool) -> None:
    """Add fp32 LoRA adapters to the language model, and to the vision tower if ``with_vision``.

    All other weights are frozen.

    Raises:
        GritError: no layer has one of the names in ``target_modules``, or none of the tower.
    """
    vision = {id(module) for module in adapter.vision_modules}
    names = [name for name, module in adapter.plain.named_modules() if id(module) in vision]
    excluded = None if with_vision else rf"({'|'.join(map(re.escape, names))})\..*"
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        exclude_modules=excluded,
    )
    try:
        adapter.model = get_peft_model(adapter.model, settings)
    except ValueError as error:
        raise GritError(f"model.lora.target_modules: {error}") from error
    for name in _misspelt(adapter.model, lora.target_modules):
        log.warning("model.lora.target_modules: no layer is called %s", name)
    if with_vision and not lora_in_vision(adapter):
        layers = {
            name.rpartition(".")[2]
            for module in adapter.vision_modules
            for name, layer in module.named_modules()
            if isinstance(layer, nn.Linear)
        }
        raise GritError(
            "model.freeze_vision=false: model.lora.target_modules has no layer of the vision "
            f"tower; its layers are {', '.join(sorted(layers))}"
        )


def _misspelt(model: nn.Module, targets: Sequence[str]) -> Iterator[str]:
    """Names of no layer, unless the layers of similar names are all named too.

    ``model=auto`` names those of every family: one has gate_up_proj for the gate_proj of others.
    """
    layers = {name for name, each in model.named_modules() if isinstance(each, LoraLayer)}
    linear = (name for name, each in model.named_modules() if isinstance(each, nn.Linear))
    known = {name.removesuffix(".base_layer").rpartition(".")[2] for name in linear}
    for target in targets:
        similar = get_close_matches(target, known)
        if not any(f".{layer}".endswith(f".{target}") for layer in layers) and not (
            similar and set(similar) <= set(targets)
        ):
            yield target


def lora_in_vision(adapter: Adapter) -> bool:
    """Whether LoRA is in the vision tower too."""
    names = (name for module in adapter.vision_modules for name, _ in module.named_parameters())
    return any("lora_" in name for name in names)


def has_tied_lora(adapter: Adapter) -> bool:
    """Whether LoRA is on a head whose weight is that of the embeddings."""
    shared = adapter.plain.get_input_embeddings().weight
    layers = (each for each in adapter.model.modules() if isinstance(each, LoraLayer))
    return any(layer.get_base_layer().weight is shared for layer in layers)


@contextmanager
def merged_lora(adapter: Adapter) -> Iterator[None]:
    """Within the context LoRA is merged: each layer has the weight W + BA, in the dtype of W.

    Unmerged, an adapter adds three kernels and casts per layer, which take most of a decode step on
    a GPU (benchmarks/README.md). Merging takes the memory of the merged weights once more. The
    base's own weights are put back as they were; nothing is subtracted.
    """
    layers = [each for each in adapter.model.modules() if isinstance(each, LoraLayer)]
    kept = [layer.get_base_layer().weight for layer in layers]
    try:
        with torch.no_grad():
            for layer, weight in zip(layers, kept, strict=True):
                names = layer.active_adapters
                change = sum(layer.get_delta_weight(name).float() for name in names)
                merged = (weight.float() + change).to(weight.dtype)
                # One of its own: a tied head shares its former one with the embeddings.
                layer.get_base_layer().weight = nn.Parameter(merged, requires_grad=False)
                layer.merged_adapters = list(names)  # the forward takes the base layer alone
        yield
    finally:
        for layer, weight in zip(layers, kept, strict=True):
            layer.get_base_layer().weight = weight
            layer.merged_adapters = []
