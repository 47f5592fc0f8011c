"""flex_attention for rows that hold several completions: blocks that nobody sees are skipped.

A model that uses it runs flex_attention where its mask is a ``BlockMask`` and sdpa everywhere else:
in the rollout, in evaluation and in the vision tower.

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

FLEX = "flex_attention"  # what a configuration calls it
NAME = "grit_blocks"  # what transformers calls it, which has a flex_attention of its own


def use_attention(model: Any, attention: str) -> None:
    """Switch a transformers model to an ``attn_implementation``, flex_attention by our rule."""
    if attention == FLEX:
        parts = {"": "sdpa", "text_config": NAME, "vision_config": "sdpa"}
        model.set_attn_implementation(parts)
    else:
        model.set_attn_implementation(attention)


def block_mask(segments: Tensor) -> BlockMask:
    """Who sees whom: earlier tokens of the prompt and of one's own completion.

    Args:
        segments: [B, L], 0 the prompt, 1, 2, ... the completions behind it, -1 padding.
    """

    def sees(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        of_key = segments[row, key]
        return (query >= key) & ((of_key == 0) | (of_key == segments[row, query]))

    rows, length = segments.shape
    return create_block_mask(sees, rows, None, length, length, device=str(segments.device))


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
    """What transformers asks of an attention.

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
    if torch.is_autocast_enabled(device):  # which sdpa obeys by itself
        dtype = torch.get_autocast_dtype(device)
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    queries_of_a_key = query.shape[1] // key.shape[1]
    if queries_of_a_key & (queries_of_a_key - 1):  # the kernels know powers of two
        key, value = repeat_kv(key, queries_of_a_key), repeat_kv(value, queries_of_a_key)
    run = flex_attention if device == "cpu" else fused()
    try:
        found = run(query, key, value, block_mask=attention_mask, scale=scaling, enable_gqa=True)
    except NotImplementedError as error:  # torch has no such kernel, as for gradients on the CPU
        raise GritError(f"model.attention=flex_attention: {error} Or use sdpa.") from error
    return found.transpose(1, 2).contiguous(), None


@cache
def fused(backend: Any = "inductor") -> Any:
    """flex_attention through torch.compile: two kernels do for rows of all lengths."""
    return torch.compile(flex_attention, dynamic=True, backend=backend)


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
