"""Log-probabilities and entropies of completion tokens.

``lm_head`` runs on completion tokens only, in chunks whose logits are not stored, see ``head.py``.

Shapes: M completion tokens, H hidden size, V vocabulary, T image tokens of a prompt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from grit.models.adapter import Adapter
from grit.training.groups import RowBatch
from grit.training.head import Loss, head_logp, head_scores


class TokenScores(NamedTuple):
    """The policy's log-probability and entropy of each completion token."""

    logp: Tensor  # [M] float32, log-probability of the token that was sampled
    entropy: Tensor  # [M] float32, nats, without gradient


def token_scores(
    adapter: Adapter,
    batch: RowBatch,
    features: Sequence[Tensor],
    *,
    temperature: float = 1.0,
    tokens_per_chunk: int = 256,
    loss: Loss | None = None,
) -> TokenScores:
    """Score the completion tokens of ``batch`` with the adapter's model.

    Args:
        adapter: of the model that scores.
        batch: the rows.
        features: the image features [T, H] of each group's prompt.
        temperature: by which logits are divided, normally that of sampling.
        tokens_per_chunk: how many tokens' logits are in memory at a time; 0 uses plain autograd,
            which stores those of all tokens for the backward pass.
        loss: of the log-probabilities, see ``head_scores``.
    """
    states, targets = _predictors(adapter, batch, features), batch.targets.to(adapter.device)
    if not tokens_per_chunk:
        return TokenScores(*_plain(adapter, states, targets, temperature))
    weight = adapter.head_weight
    if weight is not None:
        scores = head_scores(
            states,
            weight,
            targets,
            temperature=temperature,
            tokens_per_chunk=tokens_per_chunk,
            loss=loss,
        )
        return TokenScores(*scores)
    # A head that is not one matrix product: checkpointing recomputes logits in the backward pass.
    chunks = [
        checkpoint(_plain, adapter, *chunk, temperature, use_reentrant=False)
        for chunk in zip(
            states.split(tokens_per_chunk), targets.split(tokens_per_chunk), strict=True
        )
    ]
    return TokenScores(torch.cat([c[0] for c in chunks]), torch.cat([c[1] for c in chunks]))


@torch.no_grad()
def token_logp(
    adapter: Adapter,
    batch: RowBatch,
    features: Sequence[Tensor],
    *,
    temperature: float = 1.0,
    tokens_per_chunk: int = 256,
) -> Tensor:
    """The log-probabilities [M] of ``token_scores`` alone, without gradient."""
    weight = adapter.head_weight
    if weight is None or not tokens_per_chunk:
        scores = token_scores(
            adapter, batch, features, temperature=temperature, tokens_per_chunk=tokens_per_chunk
        )
        return scores.logp
    return head_logp(
        _predictors(adapter, batch, features),
        weight,
        batch.targets.to(adapter.device),
        temperature=temperature,
        tokens_per_chunk=tokens_per_chunk,
    )


def _predictors(adapter: Adapter, batch: RowBatch, features: Sequence[Tensor]) -> Tensor:
    """The hidden states [M, H] that predict the completion tokens."""
    device = adapter.device
    embeddings = adapter.embed(
        batch.input_ids.to(device), [features[prompt] for prompt in batch.prompt_of_row]
    )
    mask = batch.mask.to(device) if isinstance(batch.mask, Tensor) else batch.mask
    hidden = adapter.hidden_states(embeddings, mask, batch.positions.to(device))
    return hidden.flatten(0, 1)[batch.predictors.to(device)]


def _plain(
    adapter: Adapter, states: Tensor, targets: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy [M] of each token, by their definitions."""
    distribution = (adapter.logits(states).float() / temperature).log_softmax(-1)  # [M, V]
    with torch.no_grad():
        entropy = -(distribution.exp() * distribution).sum(-1)
    return distribution.gather(-1, targets.unsqueeze(-1)).squeeze(-1), entropy
