"""Choosing the next token: temperature, top-k, top-p, and one uniform number per row.

The uniform number comes from the completion's own random stream, and the token is read off the
cumulative distribution. What a row draws therefore never depends on the rows beside it.
"""

import torch
from torch import Tensor
from torch.nn import functional

from grit.rollout.settings import Sampling

BLOCK = 256  # ids that one partial sum covers


def next_token_probabilities(logits: Tensor, sampling: Sampling, forbidden: Tensor) -> Tensor:
    """The distribution [B, V], float32, that tokens are drawn from; forbidden ids have none."""
    logits = logits.float().index_fill(-1, forbidden, -torch.inf)  # a copy, ours to write to
    if sampling.temperature != 1:  # a pass over the vocabulary that would change nothing
        logits /= sampling.temperature
    if sampling.top_k:
        kept = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kept, -torch.inf)
    probabilities = torch.softmax(logits, -1, out=logits)
    if sampling.top_p < 1:
        ordered, order = probabilities.sort(descending=True)
        before = ordered.cumsum(-1) - ordered  # the mass of all likelier tokens
        ordered = ordered.masked_fill(before >= sampling.top_p, 0)
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered)
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    return probabilities


def choose(logits: Tensor, uniform: Tensor, sampling: Sampling, forbidden: Tensor) -> Tensor:
    """One token [B] for each row of logits [B, V], given a number in [0, 1) for each row."""
    if sampling.greedy:
        return logits.index_fill(-1, forbidden, -torch.inf).argmax(-1)
    return inverse_cdf(next_token_probabilities(logits, sampling, forbidden), uniform)


def inverse_cdf(mass: Tensor, uniform: Tensor) -> Tensor:
    """The id [B] at which the cumulative ``mass`` [B, V] exceeds ``uniform`` [B] of its total.

    In two levels, first the block of ids and then the id in it: a running sum in double precision
    over a whole vocabulary of 151,936 would cost more than the softmax before it. Blocks are summed
    in single precision for the same reason; what that rounds off is less than the mass of an id
    that matters.
    """
    vocabulary = mass.shape[-1]
    whole = vocabulary // BLOCK * BLOCK
    sums = [mass[:, :whole].unflatten(-1, (-1, BLOCK)).sum(-1)]
    if whole < vocabulary:
        sums.append(mass[:, whole:].sum(-1, keepdim=True))
    upto = torch.cat(sums, -1).double().cumsum(-1)  # [B, V / BLOCK]
    threshold = uniform.double().unsqueeze(-1) * upto[:, -1:]
    # right=True: the first block, and id, whose running sum exceeds the threshold. One without
    # mass never does.
    block = torch.searchsorted(upto, threshold, right=True)
    before = functional.pad(upto, (1, 0)).gather(-1, block)
    ids = block * BLOCK + torch.arange(BLOCK, device=mass.device)
    beyond = ids >= vocabulary
    inside = mass.gather(-1, ids.clamp(max=vocabulary - 1)).masked_fill(beyond, 0)
    running = inside.double().cumsum(-1)
    place = torch.searchsorted(running, threshold - before, right=True)
    # The two levels round differently: what is left over belongs to the last id.
    last = BLOCK - 1 - (inside.flip(-1) > 0).int().argmax(-1, keepdim=True)
    return (block * BLOCK + torch.minimum(place, last)).squeeze(-1)
