"""flex_attention for shared rows, which skips the blocks between completions.

A model with this implementation runs flex_attention if its mask is a ``BlockMask``, and sdpa
otherwise: in the rollout, in evaluation and in the vision tower.

Shapes: B rows, L tokens of a row.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from grit.core.errors import GritError

FLEX = "flex_attention"  # its name in model.attention
NAME = "grit_blocks"  # its name in transformers, which has a flex_attention of its own


def use_attention(model: Any, attention: str) -> None:
    """Set a model's ``attn_implementation``; flex_attention is the one of this module."""
    if attention == FLEX:
        parts = {"": "sdpa", "text_config": NAME, "vision_config": "sdpa"}
        model.set_attn_implementation(parts)
    else:
        model.set_attn_implementation(attention)


def block_mask(segments: Tensor) -> BlockMask:
    """The mask of shared rows: a token attends to earlier ones of the prompt and its completion.

    Args:
        segments: [B, L], 0 the prompt, 1, 2, ... the completions behind it, -1 padding.
    """

    def is_visible(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        of_key = segments[row, key]
        return (query >= key) & ((of_key == 0) | (of_key == segments[row, query]))

    rows, length = segments.shape
    return create_block_mask(is_visible, rows, None, length, length, device=str(segments.device))


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Any,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """An attention function of transformers: [B, heads, L, D] to [B, L, heads, D].

    Raises:
        GritError: torch cannot run flex_attention here, for example its backward pass on a CPU.
    """
    if not isinstance(attention_mask, BlockMask):
        return sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            **others,
        )
    if dropout:
        raise GritError(
            "model.attention=flex_attention has no dropout and this model drops attention out: "
            "use model.attention=sdpa"
        )
    device = query.device.type
    if torch.is_autocast_enabled(device):  # unlike sdpa, flex_attention does not apply it
        dtype = torch.get_autocast_dtype(device)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    repeats = query.shape[1] // key.shape[1]
    if repeats & (repeats - 1):  # the kernels support powers of two only
        key, value = repeat_kv(key, repeats), repeat_kv(value, repeats)
    run = flex_attention if device == "cpu" else fused()
    try:
        output = run(query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=True)
    except NotImplementedError as error:  # a missing kernel, such as that of gradients on the CPU
        raise GritError(f"model.attention=flex_attention: {error} Or use sdpa.") from error
    return output.transpose(1, 2).contiguous(), None


@cache
def fused(backend: Any = "inductor") -> Any:
    """flex_attention by torch.compile; two kernels are enough for rows of all lengths."""
    return torch.compile(flex_attention, dynamic=True, backend=backend)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
