"""Advantages other than GRPO-GR's: another baseline, another scale, or each reward term by itself.

Shapes: G groups, N completions of each, K terms of the reward.
"""

import torch
from torch import Tensor

from grit.training.grpo_gr import centred, group_advantages, group_std, has_variance
from grit.training.settings import AdvantageSettings


def advantages_of(
    rewards: Tensor, judged: Tensor, terms: Tensor, weights: Tensor, settings: AdvantageSettings
) -> Tensor:
    """The advantages [G, N] that the settings name, of all groups of a step.

    With the default settings they are equation 1 of GRIT, ``grpo_gr.group_advantages``. Those with
    a scale of "batch", and those by term, depend on all groups: on several ranks, on all ranks'.

    Args:
        rewards: [G, N].
        judged: [G, N], False where a completion has no reward.
        terms: [G, N, K], unweighted; NaN where a term does not apply to a row.
        weights: [K], of the terms.
        settings: of the advantage.
    """
    if settings.by_term:
        return by_term(terms, weights, judged, settings)
    if settings.baseline == "mean" and settings.scale == "group":
        return group_advantages(
            rewards, judged, delta=settings.delta, sample_std=settings.sample_std
        )
    advantages = centred(rewards, judged)
    if settings.baseline == "leave_one_out":
        advantages = advantages * leave_one_out_factor(judged)
    if settings.scale == "group":
        std = group_std(rewards, judged, sample_std=settings.sample_std)
        advantages = advantages / (std + settings.delta)
    elif settings.scale == "batch":  # the batch as one group
        batch = rewards.reshape(1, -1), judged.reshape(1, -1)
        std = group_std(*batch, sample_std=settings.sample_std)
        advantages = advantages / (std + settings.delta)
    return torch.where(has_variance(rewards, judged).unsqueeze(1), advantages, 0.0).float()


def needs_batch(settings: AdvantageSettings) -> bool:
    """Whether an advantage depends on other groups than its own."""
    return settings.by_term or settings.scale == "batch"


def leave_one_out_factor(judged: Tensor) -> Tensor:
    """The factor n / (n - 1) of each group's n judged completions, [G, 1].

    Times r_i - mean r it is r_i minus the mean of the others (RLOO, 2402.14740). 0 where n is 1.
    """
    count = judged.sum(1, keepdim=True).double()
    return torch.where(count > 1, count / (count - 1).clamp(min=1), 0.0)


def by_term(terms: Tensor, weights: Tensor, judged: Tensor, settings: AdvantageSettings) -> Tensor:
    """GDPO (2601.05242): every term is normalised in its group, then the weighted sum in the batch.

    In a plain sum a term with small differences is drowned by one with large ones. TRL's
    ``multi_objective_aggregation="normalize_then_sum"``.
    """
    total = torch.zeros(judged.shape, dtype=torch.double)
    for values, weight in zip(terms.unbind(-1), weights.tolist(), strict=True):
        applies = judged & ~values.isnan()
        values = torch.where(applies, values, 0.0)
        total += weight * group_advantages(
            values, applies, delta=settings.delta, sample_std=settings.sample_std
        )
    batch = total.reshape(1, -1), judged.reshape(1, -1)  # the batch as one group
    deviation = centred(*batch).view(judged.shape)
    std = group_std(*batch, sample_std=settings.sample_std) + settings.delta
    # Without a difference there is no signal, and at delta=0 nothing to divide by.
    return torch.where(judged & has_variance(*batch), deviation / std, 0.0).float()
