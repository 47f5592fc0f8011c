"""Objectives other than GRPO-GR's: other ratios, other clipping, other sums over tokens.

`grpo_gr` is the algorithm; here stands what came after it, as small functions that are chosen by
`training.objective` and combined freely. All are of the form

    J = sum over tokens t of  w_t [ f(s_t, A_t) - beta k3_t ]

with s_t the ratio pi_theta / pi_old, taken over a token, a completion, or as the geometric mean of
a completion's tokens (GSPO); f a surrogate (clipped, CISPO, SAPO); w_t the share of a token in the
step (`token_weights`). With one update per rollout s is 1 everywhere, so that all surrogates have
the same gradient, and objectives differ by their weights alone.

Shapes: G groups, N completions of each, B completions, M tokens of all completions, concatenated.
`owner` [M] is the index of the completion that a token belongs to.
"""

import math

import torch
from torch import Tensor

from grit.training.grpo_gr import completion_weights, k3, token_ratios
from grit.training.settings import ObjectiveSettings, Ratio


def clipped(s: Tensor, a: Tensor, low: float, high: float, limit: float | None) -> Tensor:
    """min(s A, clip(s, 1 - low, 1 + high) A).

    `high` above `low` is clip-higher (DAPO, 2503.14476). With `limit` the first s is at most that:
    where A < 0, s A has otherwise no bound (two-sided clipping, INTELLECT-2; TRL's `delta`).
    """
    bounded = s if limit is None else s.clamp(max=limit)
    return torch.minimum(bounded * a, s.clamp(1 - low, 1 + high) * a)


def cispo(s: Tensor, a: Tensor, logp: Tensor, limit: float) -> Tensor:
    """sg(min(s, limit)) A log pi: no token loses its gradient (MiniMax-M1, 2506.13585)."""
    return s.clamp(max=limit).detach() * a * logp


def sapo(s: Tensor, a: Tensor, positive: float, negative: float) -> Tensor:
    """(4 / tau) sigmoid(tau (s - 1)) A: a soft gate instead of a clip (TRL's `loss_type="sapo"`).

    The temperature tau is `positive` where A > 0, else `negative`.
    """
    tau = torch.where(a > 0, positive, negative)
    return 4 / tau * torch.sigmoid(tau * (s - 1)) * a


def surrogate_terms(
    s: Tensor, a: Tensor, logp: Tensor, settings: ObjectiveSettings, epsilon: float
) -> Tensor:
    """The terms [M] of the surrogate that the settings name, from ratios and advantages [M]."""
    match settings.surrogate:
        case "cispo":
            return cispo(s, a, logp, settings.ratio_limit or math.inf)
        case "sapo":
            return sapo(s, a, settings.sapo_positive, settings.sapo_negative)
        case _:
            return clipped(s, a, *half_widths(settings, epsilon), settings.ratio_limit)


def half_widths(settings: ObjectiveSettings, epsilon: float) -> tuple[float, float]:
    """How far below and above 1 ratios are cut off by the surrogate; infinite where they are not.

    A token beyond them counts as clipped in the logs. CISPO has an upper limit alone, SAPO none.
    """
    match settings.surrogate:
        case "cispo":
            return math.inf, (settings.ratio_limit or math.inf) - 1
        case "sapo":
            return math.inf, math.inf
        case _:
            return epsilon, epsilon if settings.epsilon_high is None else settings.epsilon_high


def token_weights(
    judged: Tensor,
    counted: Tensor,
    lengths: Tensor,
    settings: ObjectiveSettings,
    *,
    groups: int,
    tokens: int,
    completions: int,
    max_new_tokens: int,
) -> Tensor:
    """The weight [G, N] of one token of each completion in the loss.

    "sequence_mean" (GRPO): the mean over a completion's tokens, then over a group's completions,
    then over groups. "token_mean" (DAPO): the mean over all tokens of the step, so that a token of
    a long completion weighs as much as one of a short one. "fixed_length" (Dr. GRPO, 2503.20783):
    the sum over tokens by a constant length, so that length changes no token's weight.

    Args:
        judged: [G, N], False where a completion has no reward.
        counted: [G, N], judged completions with a share in the loss: not those that were truncated,
            if `settings.mask_truncated`.
        lengths: [G, N], tokens of each completion.
        settings: the aggregation.
        groups: with a judged completion, of the step over all ranks.
        tokens: of counted completions, of the step over all ranks.
        completions: judged ones, of the step over all ranks.
        max_new_tokens: the constant length.
    """
    match settings.aggregation:
        case "token_mean":
            weights = torch.full(judged.shape, 1.0 / max(tokens, 1))
        case "fixed_length":
            weights = torch.full(judged.shape, 1.0 / (max(completions, 1) * max_new_tokens))
        case _:
            weights = completion_weights(judged, groups) / lengths.clamp(min=1)
    return torch.where(counted, weights, 0.0)


def objective_loss(
    logp: Tensor,
    old_logp: Tensor,
    reference_logp: Tensor | None,
    advantages: Tensor,
    weights: Tensor,
    owner: Tensor,
    *,
    completions: int,
    settings: ObjectiveSettings,
    epsilon: float,
    ratio: Ratio,
    beta: float,
) -> Tensor:
    """-J of the formula at the top of this file, summed over the tokens of a forward pass.

    Args:
        logp: [M] with gradient.
        old_logp: [M].
        reference_logp: [M], or None where beta is 0.
        advantages: [M], those of the completions, or a token's own (VPPO).
        weights: [M], from `token_weights`.
        owner: [M].
        completions: B.
        settings: name the surrogate f.
        epsilon: lower half-width of its interval.
        ratio: what s is taken over.
        beta: weight of the KL term.
    """
    s = token_ratios(logp - old_logp, owner, completions, ratio)
    terms = surrogate_terms(s, advantages, logp, settings, epsilon)
    if reference_logp is not None and beta:
        terms = terms - beta * k3(logp, reference_logp)
    return -(weights * terms).sum()


def scheduled_beta(beta: float, settings: ObjectiveSettings, step: int, steps: int) -> float:
    """The weight of the KL term in a step: constant, or beta / 2 (1 + cos(pi t)) (Visionary-R1).

    t runs from 0 in the first of `steps` steps to almost 1 in the last.
    """
    if settings.beta_schedule == "constant":
        return beta
    return beta / 2 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1.0)))


def overlong_penalty(tokens: int, longest: int, share: float) -> float:
    """DAPO's soft penalty of long completions, from 0 to -1; 0 everywhere if `share` is 0.

    It begins at `(1 - share) longest` tokens and falls linearly to -1 at `longest`. DAPO's share is
    a fifth: 4,096 of 20,480 tokens.
    """
    if share == 0:
        return 0.0
    cache = share * longest
    return -min(max((tokens - (longest - cache)) / cache, 0.0), 1.0)


def difficulty_weight(mean_iou: float | None) -> float:
    """UniVG-R1's weight of a group in the loss, exp(1 - mean IoU); 1 for rows without boxes.

    Args:
        mean_iou: of the group's completions with the annotated boxes; None: not annotated.
    """
    return 1.0 if mean_iou is None else math.exp(1 - mean_iou)
