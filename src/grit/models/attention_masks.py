"""Who sees whom, as a model's attention implementation takes it.

Shapes: B rows, L tokens of a row.
"""

from typing import Any

import torch
from torch import Tensor

from grit.models.block_attention import NAME as BLOCKS
from grit.models.block_attention import block_mask
from grit.models.shared_rows import SHARED, SharedRows


def as_attention_mask(language_model: Any, mask: Tensor | SharedRows, embeddings: Tensor) -> Any:
    """What transformers takes as ``attention_mask``.

    Args:
        language_model: whose implementation decides; sdpa becomes ours for shared rows.
        mask: [B, past + L] of 0 and 1; or [B, 1, L, past + L], true where a token sees another; or
            the prompts and completions of shared rows.
        embeddings: [B, L, H].
    """
    if isinstance(mask, SharedRows):
        return _shared(language_model, mask, embeddings)
    return _additive(language_model, mask, embeddings) if mask.dtype is torch.bool else mask


def _shared(language_model: Any, rows: SharedRows, embeddings: Tensor) -> Any:
    config = language_model.config
    if config._attn_implementation == "sdpa":
        language_model.set_attn_implementation(SHARED)
    if config._attn_implementation == SHARED and set(config.layer_types) == {"full_attention"}:
        return {"full_attention": rows}
    if config._attn_implementation == BLOCKS:
        return block_mask(rows.segments)
    return _additive(language_model, rows.visible(), embeddings)


def _additive(language_model: Any, visible: Tensor, embeddings: Tensor) -> Tensor:
    """The mask as numbers for eager attention, which adds it to the scores; else as it is."""
    if language_model.config._attn_implementation != "eager":
        return visible
    nothing = torch.zeros((), dtype=embeddings.dtype, device=visible.device)
    return torch.where(visible, nothing, torch.finfo(embeddings.dtype).min)
