"""What a step learns from: advantages and shares in the loss, and the loss of each forward pass.

Shapes: G prompts of a step, N completions of each, K reward terms, B completions of a forward pass,
M their tokens.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grit.core import processes
from grit.rollout.settings import RolloutSettings
from grit.training.advantages import advantages_of, needs_batch
from grit.training.diagnostics import Rollout, rewards_of
from grit.training.groups import Group, MicroBatch
from grit.training.grpo_gr import completion_weights, mean_per_completion
from grit.training.objectives import token_weights
from grit.training.perception import completion_scales, pivotal_tokens, sensitivity
from grit.training.rollouts import Sampled, difficulty_weights
from grit.training.settings import AdvantageSettings, PerceptionSettings, TrainingSettings
from grit.training.step_loss import StepLoss


@dataclass(frozen=True)
class Signal:
    """What the rewards of a step say about each completion."""

    rewards: Tensor  # [G, N], 0 where there is none
    advantages: Tensor  # [G, N]
    judged: Tensor  # [G, N], has a reward
    counted: Tensor  # [G, N], has a share in the loss
    lengths: Tensor  # [G, N], tokens
    factors: Tensor  # [G, 1], of the groups' losses


@dataclass(frozen=True)
class ScoredMicroBatch:
    """A micro-batch of a step, with log-probabilities from before the update."""

    micro_batch: MicroBatch
    groups: list[Group]
    old_logp: Tensor | None  # [M]; None: equal to the policy's, so the ratio is 1
    reference_logp: Tensor | None  # [M]; None: beta is 0
    blanked_logp: Tensor | None  # [M], given blanked images; None: no term needs them
    engine_logp: Tensor | None  # [M], of the engine; None: not corrected


def signal_of(
    sampled: Sampled,
    rollouts: Sequence[Rollout],
    terms: Tensor,
    weights: Tensor,
    settings: TrainingSettings,
) -> Signal:
    """The signal of this rank's groups; every rank has to call it.

    Args:
        sampled: G prompts with their completions.
        rollouts: their rewards, in the order of groups.
        terms: [G, N, K], unweighted.
        weights: [K].
        settings: of the advantage and the objective.
    """
    rewards, judged = rewards_of(rollouts, len(sampled.prompts))
    factors = torch.ones(len(rewards), 1)
    if settings.objective.difficulty_weight:
        factors = difficulty_weights(rollouts, settings.group_size)
    masked = settings.objective.mask_truncated
    return Signal(
        rewards=rewards,
        advantages=_advantages(rewards, judged, terms, weights, settings.advantage),
        judged=judged,
        counted=judged & ~sampled.truncated if masked else judged,
        lengths=sampled.lengths,
        factors=factors,
    )


def _advantages(
    rewards: Tensor, judged: Tensor, terms: Tensor, weights: Tensor, settings: AdvantageSettings
) -> Tensor:
    """The advantages [G, N] of this rank's groups, which may depend on those of other ranks."""
    if not needs_batch(settings):
        return advantages_of(rewards, judged, terms, weights, settings)
    ranks = processes.all_gather((rewards, judged, terms))
    every = [torch.cat(parts) for parts in zip(*ranks, strict=True)]
    advantages = advantages_of(every[0], every[1], every[2], weights, settings)
    return advantages.split([len(theirs) for theirs, _, _ in ranks])[processes.rank()]


def losses_of(
    micro_batches: Sequence[ScoredMicroBatch],
    signal: Signal,
    settings: TrainingSettings,
    rollout: RolloutSettings,
    beta: float,
    device: torch.device,
) -> list[StepLoss]:
    """The loss of each micro-batch; none if no completion of the step, over all ranks, was judged.

    Every rank has to call it: weights are those of the whole step, so that gradients add up over
    micro-batches and ranks.
    """
    counts = signal.judged.any(1).sum(), signal.lengths[signal.counted].sum(), signal.judged.sum()
    everybodys = processes.all_gather([int(count) for count in counts])
    groups, tokens, completions = map(sum, zip(*everybodys, strict=True))
    if not groups:
        return []
    shares = completion_weights(signal.judged, groups)
    weights = torch.where(signal.counted, shares, 0.0)
    of_tokens = token_weights(
        signal.judged,
        signal.counted,
        signal.lengths,
        settings.objective,
        groups=groups,
        tokens=tokens,
        completions=completions,
        max_new_tokens=rollout.sampling.max_new_tokens,
    )
    advantages = signal.advantages
    kept: list[Tensor | None] = [None] * len(micro_batches)
    if settings.perception.top_share is not None:
        scales, kept = _perceived(micro_batches, signal.lengths, settings.perception)
        advantages = advantages * scales
    losses = []
    for one, pivotal in zip(micro_batches, kept, strict=True):
        chosen, is_real = list(one.micro_batch.groups), not one.micro_batch.is_dummy
        factors = signal.factors * is_real
        losses.append(
            StepLoss(
                settings=settings,
                beta=beta,
                old_logp=one.old_logp,
                engine_logp=one.engine_logp,
                importance_cap=rollout.importance_cap or math.inf,
                reference_logp=one.reference_logp,
                blanked_logp=one.blanked_logp,
                advantages=advantages[chosen].flatten().to(device),
                kept=pivotal,
                weights=(weights * factors)[chosen].flatten().to(device),
                token_weights=(of_tokens * factors)[chosen].flatten().to(device),
                shares=(shares * is_real)[chosen].flatten().to(device),
            )
        )
    return losses


def _perceived(
    micro_batches: Sequence[ScoredMicroBatch], lengths: Tensor, settings: PerceptionSettings
) -> tuple[Tensor, list[Tensor | None]]:
    """VPPO's factors of the advantages [G, N], and which tokens [M] of each batch keep theirs."""
    scores = torch.zeros(lengths.shape)
    kept: list[Tensor | None] = []
    for one in micro_batches:
        assert one.old_logp is not None
        assert one.blanked_logp is not None
        chosen = list(one.micro_batch.groups)
        sizes = lengths[chosen].flatten().to(one.old_logp.device)
        owner = torch.arange(len(sizes), device=sizes.device).repeat_interleave(sizes)
        found = sensitivity(one.old_logp, one.blanked_logp)
        kept.append(pivotal_tokens(found, owner, len(sizes), settings.top_share or 1.0))
        means = mean_per_completion(found, owner, len(sizes))
        scores[chosen] = means.view(len(chosen), -1).cpu()
    ranks = processes.all_gather(scores)
    scales = completion_scales(torch.cat(ranks), settings.least_scale)
    return scales.split([len(theirs) for theirs in ranks])[processes.rank()], kept
