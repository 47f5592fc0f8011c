"""GRPO-GR, the algorithm of GRIT (arXiv 2505.15879, section 3.2), from rewards to a loss.

For a question q about an image I the policy writes N completions o_1 ... o_N, each is rewarded for
its format, its count of boxes and its answer, and the loss makes the better ones of a group more
likely:

    A_i = (r_i - mean r) / (std r + delta)                                              (eq. 1)
    J   = 1/N sum_i [ min(s_i A_i, clip(s_i, 1-eps, 1+eps) A_i) - beta KL_i ]           (eq. 3)

with s_i = pi_theta(o_i|q) / pi_old(o_i|q) and KL_i the mean over tokens of the k3 estimator
exp(d) - d - 1, d = log pi_ref - log pi_theta.

Where this differs from the paper, or where the paper and its released code differ:

- ``ratio="token"`` (default, as in the released code) takes s per token and averages over each
  completion's tokens; ``ratio="sequence"`` is equation 3 as it is printed. With one update a
  rollout both ratios are 1, but the gradient of the second grows with the completion's length.
- ``delta`` is 1e-8 in the paper and 1e-4 in the code, which also divides by the sample standard
  deviation (N - 1) where the paper says only "std"; here the population's is the default.
- A completion that could not be judged has no reward: it is left out of its group's mean and
  standard deviation and of the loss, instead of counting as a zero.
- log pi is that of the whole vocabulary at the sampling temperature, also where top-p, top-k or the
  tokens that must never be sampled left some out: all pass for sampled from it. The code samples at
  0.9 with top-k 50 and takes log pi at 1 (``training=released``).
- The code puts an end-of-sequence token behind a completion that stopped at ``</answer>`` and
  trains on it; here a completion ends with what was sampled, unless ``append_eos`` is set.
- A group whose rewards are equal has advantage 0 exactly; computed naively, rounding divided by
  a delta of 1e-8 would become a gradient.

Shapes: G groups, N completions of each, B = G * N completions, M tokens of all completions one
after the other. ``owner`` [M] says which completion a token belongs to.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from grit.training.settings import Ratio

EQUAL_REWARDS = 1e-6  # rewards closer than this differ by rounding only


def group_advantages(rewards: Tensor, judged: Tensor, *, delta: float, sample_std: bool) -> Tensor:
    """Equation 1, group by group.

    Args:
        rewards: [G, N].
        judged: [G, N], False where a completion has no reward.
        delta: keeps the quotient finite.
        sample_std: divide squared deviations by N - 1 instead of N.

    Returns:
        [G, N], 0 where there is no reward and in groups without variance.
    """
    rewards = torch.where(judged, rewards.double(), 0.0)
    count = judged.sum(1, keepdim=True)
    mean = rewards.sum(1, keepdim=True) / count.clamp(min=1)
    deviation = torch.where(judged, rewards - mean, 0.0)
    freedom = (count - 1 if sample_std else count).clamp(min=1)
    std = (deviation.square().sum(1, keepdim=True) / freedom).sqrt()
    advantages = deviation / (std + delta)
    return torch.where(has_variance(rewards, judged).unsqueeze(1), advantages, 0.0).float()


def has_variance(rewards: Tensor, judged: Tensor) -> Tensor:
    """Which groups [G] can teach something: their judged rewards differ."""
    low = torch.where(judged, rewards, torch.inf).amin(1)
    high = torch.where(judged, rewards, -torch.inf).amax(1)
    return high - low > EQUAL_REWARDS


def completion_weights(judged: Tensor, groups: int) -> Tensor:
    """The weight [G, N] of each completion: 1/N within its group, and groups averaged.

    Completions that were not judged weigh nothing; a group of them alone is no group.

    Args:
        judged: [G, N].
        groups: how many groups of the step have a judged completion, over all processes.
    """
    count = judged.sum(1, keepdim=True)
    return torch.where(judged, 1.0 / (count.clamp(min=1) * max(groups, 1)), 0.0)


def k3(logp: Tensor, reference_logp: Tensor) -> Tensor:
    """The k3 estimator of KL(pi_theta || pi_ref), per token; never negative.

    As expm1(d) - d: where the policies are close, exp(d) - d - 1 is nothing but rounding, and can
    come out below 0.
    """
    d = reference_logp - logp
    return d.expm1() - d


def mean_over_completions(values: Tensor, owner: Tensor, completions: int) -> Tensor:
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
    """The clipped term of equation 3 for each completion.

    Args:
        logp: [M], log pi_theta of the sampled tokens, with gradient.
        old_logp: [M], log pi_old of the same tokens.
        advantages: [B].
        owner: [M].
        epsilon: half the width of the clipping interval.
        ratio: what s is taken over, see the top of this file.

    Returns:
        [B].
    """
    return _of_completions(
        lambda s, a: torch.minimum(s * a, s.clamp(1 - epsilon, 1 + epsilon) * a),
        *(logp - old_logp, advantages, owner, ratio),
    )


def _of_completions(
    term: Callable[[Tensor, Tensor], Tensor],
    difference: Tensor,
    advantages: Tensor,
    owner: Tensor,
    ratio: Ratio,
) -> Tensor:
    """A term of the ratio s and the advantage, for each completion [B]: of its s, or its tokens'.

    Args:
        term: of s and of advantages in the shape of s.
        difference: [M], log pi_theta - log pi_old.
        advantages: [B].
        owner: [M].
        ratio: what s is taken over.
    """
    if ratio == "sequence":
        total = difference.new_zeros(len(advantages)).index_add(0, owner, difference)
        return term(total.exp(), advantages)
    terms = term(difference.exp(), advantages[owner])
    return mean_over_completions(terms, owner, len(advantages))


def clip_ratios(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    owner: Tensor,
    *,
    epsilon: float,
    ratio: Ratio,
) -> tuple[Tensor, Tensor]:
    """How much of each completion the clipping holds back: below, and above the interval.

    A token (or with ``ratio="sequence"`` a completion) is held back below where its ratio is less
    than 1 - eps and its advantage negative, above where it is more than 1 + eps and positive. TRL
    logs the same as ``clip_ratio/low_mean`` and ``clip_ratio/high_mean``.

    Args:
        logp: [M].
        old_logp: [M].
        advantages: [B].
        owner: [M].
        epsilon: half the width of the clipping interval.
        ratio: what s is taken over.

    Returns:
        Two shares [B], each from 0 to 1.
    """
    of = logp - old_logp, advantages, owner, ratio
    low = _of_completions(lambda s, a: ((s < 1 - epsilon) & (a < 0)).to(s.dtype), *of)
    high = _of_completions(lambda s, a: ((s > 1 + epsilon) & (a > 0)).to(s.dtype), *of)
    return low, high


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
    """Minus equation 3, to be minimised.

    The loss is a weighted sum over completions, so the losses of micro-batches add up to the loss
    of the step when ``weights`` are those of the whole step.

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
        kl = mean_over_completions(k3(logp, reference_logp), owner, len(advantages))
        objective = objective - beta * kl
    return -(weights * objective).sum()
