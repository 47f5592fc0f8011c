"""Sampling the next token: temperature, top-k, top-p, and one uniform number per row.

Each completion has its own RNG stream of uniform numbers, and tokens are sampled by inverting the
cumulative distribution. A completion therefore does not depend on the other rows of its batch.

Shapes: B rows, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn import functional

from grit.rollout.settings import Sampling

BLOCK = 256  # token ids in a block of ``inverse_cdf``


def next_token_probabilities(logits: Tensor, sampling: Sampling, forbidden: Tensor) -> Tensor:
    """The sampling distribution [B, V], float32; ``forbidden`` ids have probability 0."""
    logits = logits.float().index_fill(-1, forbidden, -torch.inf)  # a copy: written in place below
    if sampling.temperature != 1:  # saves a pass over the vocabulary
        logits /= sampling.temperature
    if sampling.top_k:
        kept = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kept, -torch.inf)
    probabilities = torch.softmax(logits, -1, out=logits)
    if sampling.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        before = ordered.cumsum(-1) - ordered  # the probability of all likelier tokens
        ordered = ordered.masked_fill(before >= sampling.top_p, 0)
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered)
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    return probabilities


def choose(logits: Tensor, uniform: Tensor, sampling: Sampling, forbidden: Tensor) -> Tensor:
    """Sample a token [B] from logits [B, V], given a ``uniform`` number [B] in [0, 1) per row."""
    if sampling.greedy:
        return logits.index_fill(-1, forbidden, -torch.inf).argmax(-1)
    return inverse_cdf(next_token_probabilities(logits, sampling, forbidden), uniform)


def inverse_cdf(mass: Tensor, uniform: Tensor) -> Tensor:
    """The first id [B] whose cumulative ``mass`` [B, V] exceeds ``uniform`` [B] times its total.

    The search has two levels, blocks of ids and ids of a block, because a cumulative sum in float64
    over the whole vocabulary of 151,936 would cost more than the softmax before it. For the same
    reason blocks are summed in float32; the rounding error is less than the mass of any id that is
    likely to be sampled.
    """
    vocabulary = mass.shape[-1]
    whole = vocabulary // BLOCK * BLOCK
    sums = [mass[:, :whole].unflatten(-1, (-1, BLOCK)).sum(-1)]
    if whole < vocabulary:
        sums.append(mass[:, whole:].sum(-1, keepdim=True))
    upto = torch.cat(sums, -1).double().cumsum(-1)  # [B, V / BLOCK]
    threshold = uniform.double().unsqueeze(-1) * upto[:, -1:]
    # right=True finds the first block, and id, whose cumulative sum exceeds the threshold; blocks
    # and ids without mass are never chosen.
    block = torch.searchsorted(upto, threshold, right=True)
    before = functional.pad(upto, (1, 0)).gather(-1, block)
    ids = block * BLOCK + torch.arange(BLOCK, device=mass.device)
    beyond = ids >= vocabulary
    inside = mass.gather(-1, ids.clamp(max=vocabulary - 1)).masked_fill(beyond, 0)
    running = inside.double().cumsum(-1)
    place = torch.searchsorted(running, threshold - before, right=True)
    # The two levels round differently: past the block's sum, take its last id with mass.
    last = BLOCK - 1 - (inside.flip(-1) > 0).int().argmax(-1, keepdim=True)
    return (block * BLOCK + torch.minimum(place, last)).squeeze(-1)
