"""Log-probabilities and entropies of completion tokens.

``lm_head`` runs on completion tokens only, in chunks whose logits are computed again in the
backward pass instead of being kept: with a vocabulary of 151,936 the logits of a thousand tokens
are 0.6 GB in fp32, and keeping them is what fills a GPU.

Shapes: M completion tokens, H hidden size, V vocabulary, T image tokens of a prompt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from grit.models.adapter import Adapter
from grit.training.rows import RowBatch


class TokenScores(NamedTuple):
    """What the policy says of each completion token."""

    logp: Tensor  # [M] float32, log-probability of the token that was sampled
    entropy: Tensor  # [M] float32, nats, without gradient


def token_scores(
    adapter: Adapter,
    batch: RowBatch,
    features: Sequence[Tensor],
    *,
    temperature: float = 1.0,
    tokens_per_chunk: int = 1024,
) -> TokenScores:
    """Score the completion tokens of ``batch`` with the adapter's model.

    Args:
        adapter: whose model scores.
        batch: the rows.
        features: the image tokens [T, H] of each group's prompt.
        temperature: what logits are divided by, the temperature of sampling.
        tokens_per_chunk: how many tokens' logits are alive at a time; 0 keeps those of all tokens
            from the forward pass to the backward pass.
    """
    device = adapter.device
    embeddings = adapter.embed(
        batch.input_ids.to(device), [features[prompt] for prompt in batch.prompt_of_row]
    )
    hidden = adapter.hidden_states(embeddings, batch.mask.to(device), batch.positions.to(device))
    predictors = hidden.flatten(0, 1)[batch.predictors.to(device)]  # [M, H]

    def score(states: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits = adapter.logits(states).float() / temperature  # [chunk, V]
        total = logits.logsumexp(-1)
        logp = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1) - total
        with torch.no_grad():
            entropy = total - (logits.softmax(-1) * logits).sum(-1)
        return logp, entropy

    targets = batch.targets.to(device)
    if not tokens_per_chunk:
        return TokenScores(*score(predictors, targets))
    chunks = [
        checkpoint(score, *chunk, use_reentrant=False) if torch.is_grad_enabled() else score(*chunk)
        for chunk in zip(
            predictors.split(tokens_per_chunk), targets.split(tokens_per_chunk), strict=True
        )
    ]
    return TokenScores(torch.cat([c[0] for c in chunks]), torch.cat([c[1] for c in chunks]))
