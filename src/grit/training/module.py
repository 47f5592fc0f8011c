"""The LightningModule that trains with GRPO-GR: rollout, reward, update.

Shapes: G prompts of a step, N completions of each, B completions of a forward pass, M their tokens.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import torch
from torch import Tensor

from grit.core import processes
from grit.core.background import in_background
from grit.core.memory import hint_on_oom, room_for
from grit.data.datamodule import PromptSteps
from grit.data.samples import Sample
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.rollout.engine import Engine
from grit.rollout.settings import RolloutSettings
from grit.training.diagnostics import (
    Rollout,
    StepRecord,
    Stopwatch,
    rollout_values,
    step_metrics,
)
from grit.training.dynamic_sampling import further_prompts, refilled
from grit.training.groups import Group, MicroBatch
from grit.training.judge_watch import JudgeWatch
from grit.training.layouts.data_parallel import DataParallel
from grit.training.learner import Learner
from grit.training.objectives import scheduled_beta
from grit.training.perception import with_blanked_picture
from grit.training.policy import reference_of
from grit.training.rollouts import Drawn, Rollouts, Sampled
from grit.training.settings import TrainingSettings
from grit.training.signal import ScoredMicroBatch, Signal, losses_of, signal_of
from grit.training.step_loss import StepLoss

log = logging.getLogger(__name__)


class GRPOGR(Learner):
    """GRPO-GR on the prompts of each step from the data module; ``engine`` completes them."""

    def __init__(
        self,
        adapter: Adapter,
        engine: Engine,
        prompting: Prompting,
        reward: Reward,
        judge: Judge,
        settings: TrainingSettings,
        rollout: RolloutSettings,
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
            temperature=settings.logp_temperature or rollout.sampling.temperature,
            seed=seed,
            layout=layout,
        )
        self.prompting = prompting
        self.judge = judge
        self.engine, self.rollout = engine, rollout
        self.rollouts = Rollouts(
            adapter, engine, rollout.sampling, prompting, reward, judge, settings, seed
        )
        with room_for("the reference, a copy of the weights that learn"):
            self.reference = reference_of(self.policy) if settings.beta else None
        self.last_rollouts: list[Rollout] = []  # of the last step, for loggers
        self.all_rolled: list[Rollout] = []  # with those that dynamic sampling has replaced
        self.watched = JudgeWatch(judge)

    def adapters(self) -> list[Adapter]:
        """The policy's, and the reference's if that is a separate copy of the model."""
        if self.reference is None or self.reference.adapter is self.adapter:
            return [self.adapter]
        return [self.adapter, self.reference.adapter]

    def on_fit_start(self) -> None:
        """Move the reference to the policy's device, as it is not registered with Lightning."""
        if self.reference is not None:
            self.reference.adapter.model.to(self.device)

    def training_step(self, batch: Sequence[Drawn], batch_idx: int) -> None:
        """One step of GRPO-GR.

        Args:
            batch: this rank's G samples of the step, each with the epoch that it is drawn in.
            batch_idx: the step.
        """
        watch = Stopwatch(self.device)
        with watch.phase("rollout"):
            self.engine.update(batch_idx, self.learnt_weights)
            sampled, rewarded = self._rolled(list(batch), batch_idx)
        with watch.phase("reference"), hint_on_oom("training.tokens_per_pass"):
            micro_batches = self._scored(sampled)
        with watch.phase("reward"):
            self.last_rollouts = processes.fail_together(rewarded.result)
            rolled = self.all_rolled or self.last_rollouts
            self.watched.check(rollout.outcome for rollout in rolled)
            terms, weights = self.rollouts.terms(self.last_rollouts)
            signal = signal_of(sampled, self.last_rollouts, terms, weights, self.settings)
        with watch.phase("update"), hint_on_oom("training.tokens_per_pass"):
            metrics = self._update(micro_batches, signal, batch_idx)
        record = StepRecord(
            values=rollout_values(self.last_rollouts) | self.watched.values(self.last_rollouts),
            rewards=signal.rewards,
            judged=signal.judged,
            advantages=signal.advantages,
            tokens=sum(len(rollout.completion.token_ids) for rollout in rolled),
            completions=len(rolled),
            seconds=watch.seconds,
            judge_usage=self.judge.take_usage(),
        )
        records = processes.all_gather(record)
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

    def _rolled(self, batch: list[Drawn], step: int) -> tuple[Sampled, Future[list[Rollout]]]:
        """The completions of a step, and their rewards, which may come later.

        The judge may be a remote service: it is called while the reference computes. Dynamic
        sampling needs the rewards at once.
        """
        sampled = self.rollouts.sampled(batch, self.layout)
        rewarded = in_background(lambda: self.rollouts.rewarded(sampled))
        turns = self.settings.objective.dynamic_sampling
        if not turns:
            return sampled, rewarded

        def roll(drawn: list[Drawn]) -> tuple[Sampled, list[Rollout]]:
            more = self.rollouts.sampled(drawn, self.layout)
            rewards = in_background(lambda: self.rollouts.rewarded(more))
            found = processes.fail_together(rewards.result)
            self.all_rolled += found
            return more, found

        def draw(turn: int, count: int) -> list[Drawn]:
            return further_prompts(self._triplets(), self.seed, step, turn, count)

        first = processes.fail_together(rewarded.result)
        self.all_rolled = list(first)
        sampled, rollouts = refilled(sampled, first, roll, draw, turns)
        return sampled, in_background(lambda: rollouts)

    def _triplets(self) -> Sequence[Sample]:
        loader = self.trainer.train_dataloader
        assert isinstance(loader, PromptSteps)
        return loader.samples

    def _scored(self, sampled: Sampled) -> list[ScoredMicroBatch]:
        """Pack the groups into micro-batches, with their log-probabilities before the update."""
        groups, settings = sampled.groups, self.settings
        packed = self.micro_batches(groups)
        nothing: list[Tensor | None] = [None] * len(packed)
        old = blanked = nothing
        # All passes of the policy first, because its layout may have to gather its layers.
        if settings.updates_per_rollout > 1 or settings.perception.top_share is not None:
            old = self._logps(groups, packed)
        if settings.perception.active:
            blanked = self._logps(self._blanked(sampled), packed)
        references = [self._reference_logp(one.of(groups)) for one in packed]
        engine, logps = nothing, sampled.engine_logps
        if logps is not None and self.rollout.importance_cap is not None:
            engine = [torch.cat([logps[i] for i in one.groups]).to(self.device) for one in packed]
        return [
            ScoredMicroBatch(one, one.of(groups), *tensors)
            for one, *tensors in zip(packed, old, references, blanked, engine, strict=True)
        ]

    def _logps(self, groups: Sequence[Group], packed: Sequence[MicroBatch]) -> list[Tensor | None]:
        """The policy's log-probabilities [M] of each micro-batch."""
        found: list[Tensor | None] = []
        for one in packed:
            with self.rng_scope(one):
                found.append(self.policy.logp(one.of(groups)))
        return found

    def _blanked(self, sampled: Sampled) -> list[Group]:
        """The groups with blanked images in their prompts."""
        settings = self.settings.perception
        return [
            Group(
                self.prompting.encode(
                    with_blanked_picture(sample, settings, self.seed, epoch), self.adapter
                ),
                group.completions,
            )
            for (sample, epoch), group in zip(sampled.drawn, sampled.groups, strict=True)
        ]

    def _reference_logp(self, groups: Sequence[Group]) -> Tensor | None:
        if self.reference is None:
            return None
        with self.reference.adapter.without_lora():
            return self.reference.logp(groups)

    def _update(
        self, micro_batches: Sequence[ScoredMicroBatch], signal: Signal, step: int
    ) -> dict[str, float]:
        """Take ``updates_per_rollout`` optimiser steps on this rank's groups of this step."""
        settings = self.settings
        beta = scheduled_beta(settings.beta, settings.objective, step, self.steps)
        losses = losses_of(micro_batches, signal, settings, self.rollout, beta, self.device)
        if not losses:  # a step would still apply momentum
            log.warning("no completion of this step could be judged: it is skipped")
            return {}
        metrics: dict[str, float] = {}
        for _ in range(settings.updates_per_rollout):
            self.layout.begin_update()
            sums = torch.zeros(len(losses[0].summed), device=self.device)
            largest = torch.zeros(len(losses[0].largest), device=self.device)
            for one, loss_of in zip(micro_batches, losses, strict=True):
                with self.rng_scope(one.micro_batch):
                    shares, ratios = self._backward(one, loss_of)
                sums, largest = sums + shares, torch.maximum(largest, ratios)
            norm = self.optimizer_step_with_clipping()
            ranks = processes.all_gather((sums.tolist(), largest.tolist()))
            totals = map(sum, zip(*(theirs for theirs, _ in ranks), strict=True))
            maxima = map(max, zip(*(theirs for _, theirs in ranks), strict=True))
            metrics = dict(zip(losses[0].summed, totals, strict=True)) | {"grad_norm": norm}
            metrics |= dict(zip(losses[0].largest, maxima, strict=True))
        if self.reference is not None:
            metrics["beta"] = beta
        return metrics | {"learning_rate": self.schedule_step()}

    def _backward(self, one: ScoredMicroBatch, loss_of: StepLoss) -> tuple[Tensor, Tensor]:
        """Accumulate the gradient of one forward pass; return its ``figures``."""
        scores, owner = self.policy.scores(one.groups, loss_of if loss_of.is_separable else None)
        loss = loss_of(scores.logp, owner)
        self.manual_backward(loss)
        return loss_of.figures(loss, scores, owner)
