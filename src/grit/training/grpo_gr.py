"""GRPO-GR, the algorithm of GRIT (arXiv 2505.15879, section 3.2), from rewards to a loss.

For a question q about an image I the policy samples N completions o_1 ... o_N. Each is rewarded
for its format, its count of boxes and its answer, and the loss makes those above their group's mean
more likely:

    A_i = (r_i - mean r) / (std r + delta)                                              (eq. 1)
    J   = 1/N sum_i [ min(s_i A_i, clip(s_i, 1-eps, 1+eps) A_i) - beta KL_i ]           (eq. 3)

with s_i = pi_theta(o_i|q) / pi_old(o_i|q) and KL_i the mean over tokens of the k3 estimator
exp(d) - d - 1, d = log pi_ref - log pi_theta.

Where this differs from the paper, or where the paper and its released code differ:

- ``ratio="token"`` (default, as in the released code) takes s per token and averages over each
  completion's tokens; ``ratio="sequence"`` is equation 3 as printed. With one update per rollout
  both ratios are 1, but the gradient of the second grows with the completion's length.
  Other ratios, and all other variants, stand in ``objectives`` and ``advantages``.
- ``delta`` is 1e-8 in the paper and 1e-4 in the code, which also divides by the sample standard
  deviation (N - 1) where the paper says only "std"; here the population's is the default.
- A completion that could not be judged has no reward: it is masked out of its group's mean and
  standard deviation and of the loss, instead of counting as a zero.
- log pi is normalised over the whole vocabulary at the sampling temperature, even if sampling was
  restricted by top-p, top-k or forbidden tokens; the restriction is not corrected for. The code
  samples at 0.9 with top-k 50 and takes log pi at temperature 1 (``training=released``).
- The code appends an end-of-sequence token to a completion that stopped at ``</answer>`` and
  trains on it; here a completion ends with the last sampled token, unless ``append_eos`` is set.
- A group with equal rewards has advantages of exactly 0; otherwise rounding errors divided by a
  delta of 1e-8 would become a gradient.

Shapes: G groups, N completions of each, B = G * N completions, M tokens of all completions,
concatenated. ``owner`` [M] is the index of the completion that a token belongs to.
"""

import math

import torch
from torch import Tensor

from grit.training.settings import Ratio

EQUAL_REWARDS = 1e-6  # rewards that differ by less count as equal


def group_advantages(rewards: Tensor, judged: Tensor, *, delta: float, sample_std: bool) -> Tensor:
    """The advantages of equation 1.

    Args:
        rewards: [G, N].
        judged: [G, N], False where a completion has no reward.
        delta: added to the standard deviation.
        sample_std: divide squared deviations by N - 1 instead of N.

    Returns:
        [G, N], 0 for completions without a reward and in groups without variance.
    """
    rewards = rewards.double()
    std = group_std(rewards, judged, sample_std=sample_std)
    advantages = centred(rewards, judged) / (std + delta)
    return torch.where(has_variance(rewards, judged).unsqueeze(1), advantages, 0.0).float()


def centred(rewards: Tensor, judged: Tensor) -> Tensor:
    """r_i - mean r of the group, [G, N] in double precision; 0 for completions without a reward."""
    rewards = torch.where(judged, rewards.double(), 0.0)
    mean = rewards.sum(1, keepdim=True) / judged.sum(1, keepdim=True).clamp(min=1)
    return torch.where(judged, rewards - mean, 0.0)


def group_std(rewards: Tensor, judged: Tensor, *, sample_std: bool) -> Tensor:
    """The standard deviation of each group's judged rewards, [G, 1]."""
    count = judged.sum(1, keepdim=True)
    freedom = (count - 1 if sample_std else count).clamp(min=1)
    return (centred(rewards, judged).square().sum(1, keepdim=True) / freedom).sqrt()


def has_variance(rewards: Tensor, judged: Tensor) -> Tensor:
    """Which groups [G] have judged rewards that differ, and so contribute a gradient."""
    low = torch.where(judged, rewards, torch.inf).amin(1)
    high = torch.where(judged, rewards, -torch.inf).amax(1)
    return high - low > EQUAL_REWARDS


def completion_weights(judged: Tensor, groups: int) -> Tensor:
    """The weight [G, N] of each completion in the loss: the mean over groups of their means.

    Completions that were not judged have weight 0 and do not count in their group's mean.

    Args:
        judged: [G, N].
        groups: number of groups of the step with a judged completion, over all ranks.
    """
    count = judged.sum(1, keepdim=True)
    return torch.where(judged, 1.0 / (count.clamp(min=1) * max(groups, 1)), 0.0)


def k3(logp: Tensor, reference_logp: Tensor) -> Tensor:
    """The k3 estimator of KL(pi_theta || pi_ref), per token; never negative.

    Computed as expm1(d) - d, because for close policies exp(d) - d - 1 loses its digits to rounding
    and can become negative.

    Args:
        logp: [M], log pi_theta.
        reference_logp: [M], log pi_ref.
    """
    d = reference_logp - logp
    return d.expm1() - d


def mean_per_completion(values: Tensor, owner: Tensor, completions: int) -> Tensor:
    """The mean [B] of each completion's token values [M]; 0 for a completion without tokens."""
    sums = values.new_zeros(completions).index_add(0, owner, values)
    return sums / torch.bincount(owner, minlength=completions).clamp(min=1)


def surrogate(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    owner: Tensor,
    *,
    epsilon: float,
    ratio: Ratio,
) -> Tensor:
    """The clipped surrogate of equation 3 for each completion.

    Args:
        logp: [M], log pi_theta of the sampled tokens, with gradient.
        old_logp: [M], log pi_old of the same tokens.
        advantages: [B].
        owner: [M].
        epsilon: half the width of the clipping interval.
        ratio: whether s is per token or per sequence, see the top of this file.

    Returns:
        [B].
    """
    is_of_tokens = ratio == "token"
    s = _ratios(logp - old_logp, owner, len(advantages), ratio)
    a = advantages[owner] if is_of_tokens else advantages
    terms = torch.minimum(s * a, s.clamp(1 - epsilon, 1 + epsilon) * a)
    return mean_per_completion(terms, owner, len(advantages)) if is_of_tokens else terms


def _ratios(difference: Tensor, owner: Tensor, completions: int, ratio: Ratio) -> Tensor:
    """The ratios that ``token_ratios`` has: [M] with "token", else one of each completion [B]."""
    if ratio == "token":
        return difference.exp()
    if ratio == "sequence_mean":
        return mean_per_completion(difference, owner, completions).exp()
    return difference.new_zeros(completions).index_add(0, owner, difference).exp()


def token_ratios(difference: Tensor, owner: Tensor, completions: int, ratio: Ratio) -> Tensor:
    """The ratio of each token [M] from ``difference`` [M], log pi_theta - log pi_old.

    "token": its own. "sequence": the product over its completion, equation 3 of GRIT as printed.
    "sequence_mean": the geometric mean over its completion (GSPO, 2507.18071, equation 7; TRL's
    ``importance_sampling_level="sequence"``).
    """
    ratios = _ratios(difference, owner, completions, ratio)
    return ratios if ratio == "token" else ratios[owner]


def clip_ratios(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    owner: Tensor,
    *,
    epsilon: float,
    ratio: Ratio,
    epsilon_high: float | None = None,
    limit: float | None = None,
) -> tuple[Tensor, Tensor]:
    """The share of each completion that is clipped below, and above the interval.

    A token (or with ``ratio="sequence"`` a completion) is clipped below if its ratio is less than
    1 - eps and its advantage negative, above if its ratio is more than 1 + eps and its advantage
    positive, or more than the ``limit`` and its advantage negative. TRL logs the same as
    ``clip_ratio/low_mean`` and ``clip_ratio/high_mean``, but for what a limit cuts off where the
    advantage is negative.

    Args:
        logp: [M].
        old_logp: [M].
        advantages: [B].
        owner: [M].
        epsilon: half the width of the clipping interval.
        ratio: whether s is per token or per sequence.
        epsilon_high: its upper half, if that is another.
        limit: of the ratio, see ``objectives.clipped`` and ``objectives.cispo``; None: none.

    Returns:
        The shares below and above, each [B], 0 to 1.
    """
    upper = 1 + (epsilon if epsilon_high is None else epsilon_high)
    most = math.inf if limit is None else limit
    first, last = min(upper, most), max(upper, most)
    completions = len(advantages)
    s, a = token_ratios(logp - old_logp, owner, completions, ratio), advantages[owner]
    low = (s < 1 - epsilon) & (a < 0)
    high = ((s > first) & (a > 0)) | ((s > last) & (a < 0))
    return (
        mean_per_completion(low.to(s.dtype), owner, completions),
        mean_per_completion(high.to(s.dtype), owner, completions),
    )


def grpo_gr_loss(
    logp: Tensor,
    old_logp: Tensor,
    reference_logp: Tensor | None,
    advantages: Tensor,
    weights: Tensor,
    owner: Tensor,
    *,
    epsilon: float,
    beta: float,
    ratio: Ratio,
) -> Tensor:
    """The loss: equation 3 times -1.

    The loss is a weighted sum over completions, so the losses of micro-batches add up to the loss
    of the step if ``weights`` are computed over the whole step.

    Args:
        logp: [M] with gradient.
        old_logp: [M].
        reference_logp: [M], or None where beta is 0.
        advantages: [B].
        weights: [B], from ``completion_weights``.
        owner: [M].
        epsilon: see ``surrogate``.
        beta: weight of the KL term.
        ratio: see ``surrogate``.
    """
    objective = surrogate(logp, old_logp, advantages, owner, epsilon=epsilon, ratio=ratio)
    if reference_logp is not None and beta:
        kl = mean_per_completion(k3(logp, reference_logp), owner, len(advantages))
        objective = objective - beta * kl
    return -(weights * objective).sum()
