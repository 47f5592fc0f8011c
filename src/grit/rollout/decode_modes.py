"""The implementations of decoding, by the names of ``rollout.decode``."""

from collections.abc import Callable
from functools import partial

from torch.distributed.fsdp import FSDPModule

from grit.models.adapter import Adapter
from grit.rollout.decoding import Decoding, DynamicDecoding, Prefilled
from grit.rollout.settings import DecodeMode
from grit.rollout.static_decoding import Captured, StaticDecoding, Stepper


def decoder(adapter: Adapter, mode: DecodeMode) -> Callable[[Prefilled], Decoding]:
    """A factory of the ``Decoding`` of a batch, called with its prefilled prompts.

    Args:
        adapter: of the model that decodes.
        mode: ``dynamic`` shapes; or static shapes, run eagerly (``static``) or as CUDA graphs
            (``captured``); ``auto`` is ``captured`` where that works, else ``dynamic``.
    """
    match mode:
        case "auto":
            captured, dynamic = decoder(adapter, "captured"), decoder(adapter, "dynamic")
            return lambda prefilled: (captured if _captures(adapter) else dynamic)(prefilled)
        case "dynamic":
            return partial(DynamicDecoding, adapter)
        case "static":
            return partial(StaticDecoding, Stepper(adapter))
        case "captured":  # a graph per batch, so that no memory is kept during the update
            return lambda prefilled: StaticDecoding(Captured(adapter), prefilled)


def _captures(adapter: Adapter) -> bool:
    """Whether a decode step can be captured as a CUDA graph: unsharded, on a GPU, capturable.

    Checked when a batch begins, because Lightning moves the model after the sampler is made.
    """
    attention = adapter.plain.config._attn_implementation
    return (
        adapter.device.type == "cuda" and attention != "flash_attention_2" and in_one_piece(adapter)
    )


def in_one_piece(adapter: Adapter) -> bool:
    """Whether the model is not sharded by FSDP, which would have to gather layers in a step."""
    return not any(isinstance(module, FSDPModule) for module in adapter.plain.modules())
