"""Log-probabilities and entropies of completion tokens.

``lm_head`` runs on completion tokens only, in chunks whose logits are computed again in the
backward pass instead of being kept: with a vocabulary of 151,936 the logits of a thousand tokens
are 0.6 GB in fp32, and keeping them is what fills a GPU.

Shapes: M completion tokens, H hidden size, V vocabulary, T image tokens of a prompt.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
        logits = adapter.logits(states).float()  # [chunk, V]
        if temperature != 1:  # a pass over the vocabulary that would change nothing
            logits = logits / temperature
        return _Score.apply(logits, targets)

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


class _Score(torch.autograd.Function):
    """Log-probability and entropy of each row of logits [M, V], in few passes over them.

    ``logsumexp``, ``gather`` and ``softmax`` one after the other, and what autograd makes of them,
    go over the vocabulary about three times as often, which costs as much as ``lm_head`` itself.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        highest = logits.amax(-1, keepdim=True)
        mass = (logits - highest).exp_()
        sums = mass.sum(-1)
        total = highest.squeeze(-1) + sums.log()  # logsumexp, [M]
        mean = (mass.unsqueeze(1) @ logits.unsqueeze(2)).flatten() / sums
        logp = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1) - total
        entropy = total - mean
        ctx.save_for_backward(logits, targets, total)
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        logits, targets, total = ctx.saved_tensors
        gradient = gradients[0].unsqueeze(-1)  # of the log-probabilities; entropy has none
        of_logits = (logits - total.unsqueeze(-1)).exp_().mul_(-gradient)
        return of_logits.scatter_add_(-1, targets.unsqueeze(-1), gradient), None
