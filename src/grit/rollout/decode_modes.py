"""The decoders, by the names of ``training.decode``."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch.distributed.fsdp import FSDPModule

from grit.models.adapter import Adapter
from grit.rollout.decoding import Decoding, DynamicDecoding, Prefilled
from grit.rollout.settings import DecodeMode
from grit.rollout.static_decoding import Captured, Compiled, StaticDecoding, Stepper


def decoder(
    adapter: Adapter, mode: DecodeMode, backend: Any = "inductor"
) -> Callable[[Prefilled], Decoding]:
    """What takes over the rows of each batch once their prompts are in the cache.

    Args:
        adapter: whose model decodes.
        mode: ``dynamic`` shapes; or static ones, as they are, captured in CUDA graphs, or compiled;
            ``auto`` is ``captured`` where that works, else ``dynamic``.
        backend: torch.compile's, for ``compiled``.
    """
    match mode:
        case "auto":
            captured, dynamic = decoder(adapter, "captured"), decoder(adapter, "dynamic")
            return lambda prefilled: (captured if _captures(adapter) else dynamic)(prefilled)
        case "dynamic":
            return partial(DynamicDecoding, adapter)
        case "static":
            return partial(StaticDecoding, Stepper(adapter))
        case "captured":  # a graph lives as long as its batch: nothing is held during the update
            return lambda prefilled: StaticDecoding(Captured(adapter), prefilled)
        case "compiled":
            return partial(StaticDecoding, Compiled(adapter, backend))


def _captures(adapter: Adapter) -> bool:
    """Whether a CUDA graph can hold a step of the model: it is whole and on a GPU.

    Known only when a batch begins: Lightning moves the model after it is made.
    """
    attention = adapter.plain.config._attn_implementation
    return (
        adapter.device.type == "cuda" and attention != "flash_attention_2" and in_one_piece(adapter)
    )


def in_one_piece(adapter: Adapter) -> bool:
    """Whether no other process has a part of the model, which FSDP would have to fetch."""
    return not any(isinstance(module, FSDPModule) for module in adapter.plain.modules())
