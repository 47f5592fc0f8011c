"""The loss of one forward pass of a step, by GRPO-GR or by the variant that the settings choose.

Shapes: B completions of the pass, M tokens of all of them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from grit.training.grpo_gr import (
    clip_ratios,
    grpo_gr_loss,
    k3,
    mean_per_completion,
    token_ratios,
)
from grit.training.importance import LOGGED, importance_ratios
from grit.training.objectives import half_widths, objective_loss
from grit.training.perception import perception_gain
from grit.training.policy import TokenScores
from grit.training.settings import ObjectiveSettings, TrainingSettings

_SUMMED = ("loss", "kl", "entropy", "clip_ratio_low", "clip_ratio_high", "ratio_mean")
_LOSS_FIELDS = ("surrogate", "epsilon_high", "ratio_limit", "aggregation")


def is_grpo_gr(settings: TrainingSettings) -> bool:
    """Whether the loss is that of ``grpo_gr.grpo_gr_loss``, whatever the advantages are."""
    plain, chosen = ObjectiveSettings(), settings.objective
    same = all(getattr(plain, name) == getattr(chosen, name) for name in _LOSS_FIELDS)
    return same and not settings.perception.active and settings.ratio != "sequence_mean"


@dataclass(frozen=True)
class StepLoss:
    """The loss as a function of the policy's log-probabilities, and the figures to log."""

    settings: TrainingSettings
    beta: float  # of this step
    old_logp: Tensor | None  # [M]; None: the policy's own, so that ratios are 1
    engine_logp: Tensor | None  # [M]; None: not corrected, the tokens are the policy's own
    importance_cap: float  # of the correction
    reference_logp: Tensor | None  # [M]; None: beta is 0
    blanked_logp: Tensor | None  # [M], given the blanked image; None: no term of perception
    advantages: Tensor  # [B]
    kept: Tensor | None  # [M], tokens that keep their advantage; None: all
    weights: Tensor  # [B], of completions: the mean over them
    token_weights: Tensor  # [B], of one token of each completion
    shares: Tensor  # [B], weights in logged means: all judged completions, even if masked

    @property
    def summed(self) -> tuple[str, ...]:
        """Names of the metrics that are summed over the forward passes and ranks of an update."""
        return _SUMMED if self.engine_logp is None else (*_SUMMED, *LOGGED)

    @property
    def largest(self) -> tuple[str, ...]:
        """Names of the metrics that are maxima over passes and ranks."""
        return ("ratio_max",) if self.engine_logp is None else ("ratio_max", "importance_max")

    @property
    def is_separable(self) -> bool:
        """Whether a token's gradient depends on no other token's log-probability."""
        if self.settings.ratio == "token":
            return True
        return self.old_logp is None and self.engine_logp is None

    def __call__(self, logp: Tensor, owner: Tensor) -> Tensor:
        """The loss, from log-probabilities [M] and the index [M] of each token's completion."""
        if is_grpo_gr(self.settings) and self.engine_logp is None:
            return grpo_gr_loss(
                logp,
                self._old(logp),
                self.reference_logp,
                self.advantages,
                self.weights,
                owner,
                epsilon=self.settings.epsilon,
                beta=self.beta,
                ratio=self.settings.ratio,
            )
        weights = self.token_weights[owner]
        loss = objective_loss(
            logp,
            self._old(logp),
            self.reference_logp,
            self._token_advantages(logp, owner),
            weights,
            owner,
            completions=len(self.advantages),
            settings=self.settings.objective,
            epsilon=self.settings.epsilon,
            ratio=self.settings.ratio,
            beta=self.beta,
        )
        perception = self.settings.perception
        if self.blanked_logp is None or not (perception.gamma or perception.entropy):
            return loss
        gain = perception_gain(
            logp, self.blanked_logp, gamma=perception.gamma, entropy=perception.entropy
        )
        return loss - (weights * gain).sum()

    @torch.no_grad()
    def figures(self, loss: Tensor, scores: TokenScores, owner: Tensor) -> tuple[Tensor, Tensor]:
        """This pass's terms of the ``summed`` metrics, and its values of the ``largest`` ones."""
        completions, old = len(self.weights), self._old(scores.logp)
        entropy = mean_per_completion(scores.entropy, owner, completions)
        kl = torch.zeros_like(entropy)
        if self.reference_logp is not None:
            kl = mean_per_completion(k3(scores.logp, self.reference_logp), owner, completions)
        objective = self.settings.objective
        lower, upper = half_widths(objective, self.settings.epsilon)
        low, high = clip_ratios(
            *(scores.logp, old, self.advantages, owner),
            epsilon=lower,
            ratio=self.settings.ratio,
            epsilon_high=upper,
            limit=None if objective.surrogate == "sapo" else objective.ratio_limit,
        )
        ratios = token_ratios(scores.logp - old, owner, completions, self.settings.ratio)
        means = [kl, entropy, low, high, mean_per_completion(ratios, owner, completions)]
        largest = [ratios.max()]
        if self.engine_logp is not None:
            importance = importance_ratios(old, self.engine_logp)
            above = (importance > self.importance_cap).to(importance.dtype)
            means += [mean_per_completion(each, owner, completions) for each in (importance, above)]
            largest.append(importance.max())
        shares = [(self.shares * each).sum() for each in means]
        return torch.stack([loss.detach(), *shares]), torch.stack(largest)

    def _old(self, logp: Tensor) -> Tensor:
        return logp.detach() if self.old_logp is None else self.old_logp

    def _token_advantages(self, logp: Tensor, owner: Tensor) -> Tensor:
        """Each token's advantage [M]; the importance correction is a factor of it."""
        advantages = self.advantages[owner]
        if self.kept is not None:
            advantages = torch.where(self.kept, advantages, 0.0)
        if self.engine_logp is None:
            return advantages
        ratios = importance_ratios(self._old(logp), self.engine_logp)
        return advantages * ratios.clamp(max=self.importance_cap)
