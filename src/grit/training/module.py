"""The LightningModule that trains with GRPO-GR: rollout, reward, update.

Shapes: G prompts of a step, N completions of each, B completions of a forward pass, M their tokens.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from grit.core import processes
from grit.core.background import in_background
from grit.core.memory import hint_on_oom
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.judge.judge import Judge, usage_of
from grit.models.adapter import Adapter, EncodedPrompt
from grit.models.prompting import Prompting
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward
from grit.rollout.sampler import Completion
from grit.training.diagnostics import (
    Rollout,
    StepRecord,
    Stopwatch,
    rollout_values,
    step_metrics,
)
from grit.training.groups import Group, Pass
from grit.training.grpo_gr import (
    clip_ratios,
    completion_weights,
    group_advantages,
    grpo_gr_loss,
    k3,
    mean_over_completions,
)
from grit.training.judge_watch import JudgeWatch
from grit.training.layouts.data_parallel import DataParallel
from grit.training.learner import Learner
from grit.training.policy import Reference, make_sampler
from grit.training.settings import TrainingSettings

log = logging.getLogger(__name__)
SUMMED = ("loss", "kl", "entropy", "clip_ratio_low", "clip_ratio_high")
"""Metrics that are summed over the forward passes and ranks of an update."""


@dataclass(frozen=True)
class ScoredPass:
    """A forward pass of a step, with log-probabilities from before the update."""

    cut: Pass
    groups: list[Group]
    old_logp: Tensor | None  # [M]; None: equal to the policy's, so the ratio is 1
    reference_logp: Tensor | None  # [M]; None: beta is 0


class GRPOGR(Learner):
    """GRPO-GR on the prompts of each step from the data module."""

    def __init__(
        self,
        adapter: Adapter,
        prompting: Prompting,
        reward: Reward,
        judge: Judge,
        settings: TrainingSettings,
        *,
        steps: int | None = None,
        seed: int = 0,
        layout: DataParallel | None = None,
    ) -> None:
        super().__init__(
            adapter,
            settings,
            steps=steps or settings.steps,
            learning_rate=settings.learning_rate,
            temperature=settings.logp_temperature or settings.sampling.temperature,
            seed=seed,
            layout=layout,
        )
        self.prompting = prompting
        self.reward = reward
        self.judge = judge
        self.sampler = make_sampler(adapter, settings)
        self.reference = Reference(self.policy) if settings.beta else None
        self.last_rollouts: list[Rollout] = []  # of the last step, for loggers
        self.watched = JudgeWatch(judge)

    def adapters(self) -> list[Adapter]:
        """The policy's, and the reference's if that is a separate copy of the model."""
        if self.reference is None or self.reference.uses_lora:
            return [self.adapter]
        return [self.adapter, self.reference.policy.adapter]

    def on_fit_start(self) -> None:
        """Move the reference to the policy's device, as it is not registered with Lightning."""
        if self.reference is not None:
            self.reference.to(self.device)

    def training_step(self, batch: Sequence[tuple[Sample, int]], batch_idx: int) -> None:
        """One step of GRPO-GR.

        Args:
            batch: this rank's G samples of the step, each with the epoch that it is drawn in.
            batch_idx: the step.
        """
        watch = Stopwatch(self.device)
        with watch.phase("rollout"):
            prompts = [self.prompting.encode(sample, self.adapter) for sample, _ in batch]
            completions = self._sample(prompts, batch)
        # The judge may be a remote service: it is called while the reference computes.
        rewarding = in_background(lambda: self._rewarded(batch, prompts, completions))
        with watch.phase("reference"), hint_on_oom("training.tokens_per_pass"):
            passes = self._scored(
                [
                    Group(prompt, tuple(c.token_ids for c in group))
                    for prompt, group in zip(prompts, completions, strict=True)
                ]
            )
        with watch.phase("reward"):
            self.last_rollouts = processes.all_or_none(rewarding)
            totals = [rollout.outcome.total for rollout in self.last_rollouts]
            shape, advantage = (len(batch), self.settings.group_size), self.settings.advantage
            judged = torch.tensor([total is not None for total in totals]).view(shape)
            rewards = torch.tensor([total or 0.0 for total in totals]).view(shape)
            advantages = group_advantages(
                rewards, judged, delta=advantage.delta, sample_std=advantage.sample_std
            )
            self.watched.check(totals)
        with watch.phase("update"), hint_on_oom("training.tokens_per_pass"):
            metrics = self._update(passes, advantages, judged)
        record = StepRecord(
            values=rollout_values(self.last_rollouts) | self.watched.values(self.last_rollouts),
            rewards=rewards,
            judged=judged,
            advantages=advantages,
            tokens=sum(len(c.token_ids) for group in completions for c in group),
            seconds=watch.seconds,
            judge_usage=usage_of(self.judge),
        )
        records = processes.gathered(record)
        self.watched.note([record.values for record in records])
        self.log_step(metrics | step_metrics(records), batch_idx)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Also save the state of the judge's watch."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["judge_watch"] = self.watched.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Also restore the state of the judge's watch."""
        super().on_load_checkpoint(checkpoint)
        self.watched.load(checkpoint.get("judge_watch", {}))

    def _sample(
        self, prompts: list[EncodedPrompt], batch: Sequence[tuple[Sample, int]]
    ) -> list[list[Completion]]:
        seeds = [
            [
                seed_for(self.seed, "rollout", sample.id, epoch, k)
                for k in range(self.settings.group_size)
            ]
            for sample, epoch in batch
        ]
        with self.layout.gathered():
            completions = self.sampler.sample(prompts, seeds, self.settings.sampling)
        if not self.settings.append_eos:
            return completions
        return [[self._with_eos(completion) for completion in group] for group in completions]

    def _with_eos(self, completion: Completion) -> Completion:
        """Append an end-of-sequence token if there is none, as the released code does."""
        room = len(completion.token_ids) < self.settings.sampling.max_new_tokens
        if not room or completion.token_ids[-1] in self.adapter.end_ids:
            return completion
        eos = self.adapter.tokenizer.eos_token_id
        return replace(completion, token_ids=(*completion.token_ids, eos))

    def _rewarded(
        self,
        batch: Sequence[tuple[Sample, int]],
        prompts: Sequence[EncodedPrompt],
        completions: Sequence[Sequence[Completion]],
    ) -> list[Rollout]:
        """Every completion with its reward, in the order of groups."""
        rows = [
            (sample, prompt.space, completion)
            for (sample, _), prompt, group in zip(batch, prompts, completions, strict=True)
            for completion in group
        ]
        attempts = [
            Attempt(s.question, s.answer, s.dataset, completion.text, completion.token_ids, s.id)
            for s, _, completion in rows
        ]
        outcomes = self.reward.score(attempts, self.judge)
        return [Rollout(*row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    def _scored(self, groups: Sequence[Group]) -> list[ScoredPass]:
        """Pack the groups into passes, and compute their log pi_old and log pi_ref."""
        cuts = self.passes(groups)
        passes = [[groups[i] for i in cut.groups] for cut in cuts]
        # All passes of the policy first, because its layout may have to gather its layers.
        old = [self._old_logp(*pair) for pair in zip(cuts, passes, strict=True)]
        references = [self._reference_logp(one) for one in passes]
        return [ScoredPass(*each) for each in zip(cuts, passes, old, references, strict=True)]

    def _old_logp(self, cut: Pass, groups: Sequence[Group]) -> Tensor | None:
        if self.settings.updates_per_rollout == 1:
            return None
        with self.rng_scope(cut):
            return self.policy.logp(groups)

    def _update(
        self, passes: Sequence[ScoredPass], advantages: Tensor, judged: Tensor
    ) -> dict[str, float]:
        """Take ``updates_per_rollout`` optimiser steps on the groups of this step.

        Args:
            passes: of this rank's G groups.
            advantages: [G, N].
            judged: [G, N].
        """
        # Weights are those of the whole step, so that gradients add up over passes and ranks.
        all_groups = sum(processes.gathered(int(judged.any(1).sum())))
        if not all_groups:  # a step would still apply momentum
            log.warning("no completion of this step could be judged: it is skipped")
            return {}
        weights = completion_weights(judged, all_groups)
        metrics: dict[str, float] = {}
        for _ in range(self.settings.updates_per_rollout):
            self.layout.begin_update()
            sums = torch.zeros(len(SUMMED), device=self.device)
            for one in passes:
                chosen = list(one.cut.groups)
                with self.rng_scope(one.cut):
                    sums += self._backward(
                        one,
                        advantages[chosen].flatten().to(self.device),
                        (weights[chosen] * (not one.cut.is_dummy)).flatten().to(self.device),
                    )
            norm = self.optimizer_step_with_clipping()
            totals = map(sum, zip(*processes.gathered(sums.tolist()), strict=True))
            metrics = dict(zip(SUMMED, totals, strict=True)) | {"grad_norm": norm}
        return metrics | {"learning_rate": self.schedule_step()}

    def _backward(self, one: ScoredPass, advantages: Tensor, weights: Tensor) -> Tensor:
        """Accumulate the gradient of one forward pass; return its shares of the ``SUMMED`` metrics.

        Args:
            one: the pass, of B completions.
            advantages: [B].
            weights: [B], 0 in a dummy pass.
        """

        def old(logp: Tensor) -> Tensor:
            return logp.detach() if one.old_logp is None else one.old_logp

        def loss_of(logp: Tensor, owner: Tensor) -> Tensor:
            return grpo_gr_loss(
                logp,
                old(logp),
                one.reference_logp,
                advantages,
                weights,
                owner,
                epsilon=self.settings.epsilon,
                beta=self.settings.beta,
                ratio=self.settings.ratio,
            )

        # Gradients of tokens depend on each other only through a sequence-level ratio other than 1.
        apart = one.old_logp is None or self.settings.ratio == "token"
        scores, owner = self.policy.scores(one.groups, loss_of if apart else None)
        loss = loss_of(scores.logp, owner)
        self.manual_backward(loss)
        with torch.no_grad():
            entropy = mean_over_completions(scores.entropy, owner, len(weights))
            kl = torch.zeros_like(entropy)
            if one.reference_logp is not None:
                tokens = k3(scores.logp, one.reference_logp)
                kl = mean_over_completions(tokens, owner, len(weights))
            low, high = clip_ratios(
                *(scores.logp, old(scores.logp), advantages, owner),
                epsilon=self.settings.epsilon,
                ratio=self.settings.ratio,
            )
            shares = [(weights * each).sum() for each in (kl, entropy, low, high)]
            return torch.stack([loss.detach(), *shares])

    def _reference_logp(self, groups: Sequence[Group]) -> Tensor | None:
        return None if self.reference is None else self.reference.logp(groups)
