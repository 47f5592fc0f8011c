"""Attention masks in the form that each attention implementation of transformers takes.

Shapes: B rows, L tokens of a row.
"""

from typing import Any

import torch
from torch import Tensor

from grit.models.shared_rows import SHARED, SharedRows

UNREAD = torch.ones(1, 1, 1, 1, dtype=torch.bool)
"""A 4-D dummy that is never read: without a 4-D mask, transformers would build one."""


def mask_arguments(
    language_model: Any, mask: Tensor | SharedRows, embeddings: Tensor
) -> dict[str, Any]:
    """The arguments of a transformers language model that say who attends to whom.

    Args:
        language_model: with its attention implementation; for shared rows, sdpa is replaced by
            ``shared_rows.attend``.
        mask: [B, past + L] of 0 and 1; or [B, 1, L, past + L], true where a token attends to
            another; or the prompts and completions of shared rows.
        embeddings: [B, L, H].
    """
    if isinstance(mask, SharedRows):
        return _shared(language_model, mask, embeddings)
    if mask.dtype is torch.bool:
        mask = _additive(language_model, mask, embeddings)
    return {"attention_mask": mask}


def _shared(language_model: Any, rows: SharedRows, embeddings: Tensor) -> dict[str, Any]:
    config = language_model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if config._attn_implementation == "sdpa":
        language_model.set_attn_implementation(SHARED)
    if config._attn_implementation == SHARED and kinds == {"full_attention"}:
        return {"attention_mask": UNREAD.to(rows.device), "shared_rows": rows}
    return {"attention_mask": _additive(language_model, rows.visible(), embeddings)}


def _additive(language_model: Any, visible: Tensor, embeddings: Tensor) -> Tensor:
    """A boolean mask; for eager attention as numbers that are added to the scores."""
    if language_model.config._attn_implementation != "eager":
        return visible
    zero = torch.zeros((), dtype=embeddings.dtype, device=visible.device)
    return torch.where(visible, zero, torch.finfo(embeddings.dtype).min)
