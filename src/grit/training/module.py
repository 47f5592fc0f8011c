"""The LightningModule that trains with GRPO-GR: rollout, reward, update.

Shapes: G prompts of a step, N completions of each, B completions of a forward pass, M their tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from transformers import get_cosine_schedule_with_warmup

from grit.data.samples import Sample
from grit.judge.judge import Judge
from grit.models.adapter import Adapter, EncodedPrompt
from grit.models.prompting import Prompting
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward
from grit.rollout.choice import Sampling
from grit.rollout.sampler import Completion, Sampler
from grit.seeding import seed_for
from grit.training.diagnostics import (
    Rollout,
    Stopwatch,
    group_metrics,
    rollout_metrics,
    speed_metrics,
)
from grit.training.grpo_gr import (
    Ratio,
    completion_weights,
    group_advantages,
    grpo_gr_loss,
    k3,
    mean_over_completions,
)
from grit.training.policy import Policy, Reference
from grit.training.rows import Group, in_passes


@dataclass(frozen=True)
class GRPOSettings:
    """Sizes and rates; ``conf/training`` explains and sets them."""

    max_steps: int
    learning_rate: float
    group_size: int = 4
    warmup_steps: int = 0
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    beta: float = 0.01
    epsilon: float = 0.2
    ratio: Ratio = "token"
    delta: float = 1e-8
    sample_std: bool = False
    updates_per_rollout: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    share_prompt: bool = False
    tokens_per_rollout_batch: int = 65536
    tokens_per_pass: int = 16384
    tokens_per_chunk: int = 1024
    seed: int = 0


class GRPOGR(pl.LightningModule):
    """GRPO-GR on the prompts that the data module deals to each step."""

    def __init__(
        self,
        adapter: Adapter,
        prompting: Prompting,
        reward: Reward,
        judge: Judge,
        settings: GRPOSettings,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.strict_loading = False  # checkpoints hold only what learns
        self.adapter = adapter
        self.model = adapter.model  # registers its parameters with Lightning
        self.prompting = prompting
        self.reward = reward
        self.judge = judge
        self.settings = settings
        self.sampler = Sampler(adapter, settings.tokens_per_rollout_batch)
        self.policy = Policy(
            adapter,
            share_prompt=settings.share_prompt,
            temperature=settings.sampling.temperature,
            tokens_per_chunk=settings.tokens_per_chunk,
        )
        self.reference = Reference(self.policy) if settings.beta else None
        self.last_rollouts: list[Rollout] = []  # of the step just done, for loggers

    def on_fit_start(self) -> None:
        """Put the reference beside the policy; Lightning does not know of it."""
        if self.reference is not None:
            self.reference.to(self.device)

    def training_step(self, batch: Sequence[tuple[Sample, int]], batch_idx: int) -> None:
        """One step of GRPO-GR.

        Args:
            batch: the G samples of the step and the epoch each is drawn in.
            batch_idx: the step.
        """
        watch = Stopwatch()
        with watch.phase("rollout"):
            prompts = [self.prompting.encode(sample, self.adapter) for sample, _ in batch]
            completions = self._sample(prompts, batch)
        with watch.phase("reward"):
            self.last_rollouts = self._rewarded(batch, prompts, completions)
            totals = [rollout.outcome.total for rollout in self.last_rollouts]
            shape = len(batch), self.settings.group_size
            judged = torch.tensor([total is not None for total in totals]).view(shape)
            rewards = torch.tensor([total or 0.0 for total in totals]).view(shape)
            advantages = group_advantages(
                rewards, judged, delta=self.settings.delta, sample_std=self.settings.sample_std
            )
        with watch.phase("update"):
            groups = [
                Group(prompt, tuple(c.token_ids for c in group))
                for prompt, group in zip(prompts, completions, strict=True)
            ]
            metrics = self._update(groups, advantages, completion_weights(judged))
        metrics |= rollout_metrics(self.last_rollouts)
        metrics |= group_metrics(rewards, judged, advantages)
        tokens = sum(len(ids) for group in groups for ids in group.completions)
        metrics |= speed_metrics(watch, tokens, len(totals))
        self._log(metrics, len(batch))

    def _sample(
        self, prompts: list[EncodedPrompt], batch: Sequence[tuple[Sample, int]]
    ) -> list[list[Completion]]:
        seeds = [
            [
                seed_for(self.settings.seed, "rollout", sample.id, epoch, k)
                for k in range(self.settings.group_size)
            ]
            for sample, epoch in batch
        ]
        return self.sampler.sample(prompts, seeds, self.settings.sampling)

    def _rewarded(
        self,
        batch: Sequence[tuple[Sample, int]],
        prompts: Sequence[EncodedPrompt],
        completions: Sequence[Sequence[Completion]],
    ) -> list[Rollout]:
        """Every completion with its reward, group after group."""
        rows = [
            (sample, prompt.space, completion)
            for (sample, _), prompt, group in zip(batch, prompts, completions, strict=True)
            for completion in group
        ]
        attempts = [
            Attempt(s.question, s.answer, s.dataset, completion.text, completion.token_ids)
            for s, _, completion in rows
        ]
        outcomes = self.reward.score(attempts, self.judge)
        return [Rollout(*row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    def _update(
        self, groups: Sequence[Group], advantages: Tensor, weights: Tensor
    ) -> dict[str, float]:
        """Take ``updates_per_rollout`` optimiser steps on the groups of this step.

        Args:
            groups: G groups.
            advantages: [G, N].
            weights: [G, N], see ``completion_weights``.
        """
        passes = in_passes(
            groups, self.settings.tokens_per_pass, share_prompt=self.settings.share_prompt
        )
        old: list[Tensor] | None = None
        if self.settings.updates_per_rollout > 1:
            with torch.no_grad():
                old = [self.policy.scores([groups[i] for i in one])[0].logp for one in passes]
        references = [self._reference_logp([groups[i] for i in one]) for one in passes]
        optimizer: Any = self.optimizers()
        metrics: dict[str, float] = {}
        for _ in range(self.settings.updates_per_rollout):
            optimizer.zero_grad()
            sums = torch.zeros(3, device=self.device)  # loss, KL, entropy
            for number, chosen in enumerate(passes):
                sums += self._backward(
                    [groups[i] for i in chosen],
                    old[number] if old else None,
                    references[number],
                    advantages[chosen].flatten().to(self.device),
                    weights[chosen].flatten().to(self.device),
                )
            norm = torch.nn.utils.clip_grad_norm_(
                [p for p in self.model.parameters() if p.requires_grad], self.settings.clip_norm
            )
            optimizer.step()
            loss, kl, entropy = sums.tolist()
            metrics = {"loss": loss, "kl": kl, "entropy": entropy, "grad_norm": norm.item()}
        scheduler: Any = self.lr_schedulers()
        metrics["learning_rate"] = scheduler.get_last_lr()[0]
        scheduler.step()
        return metrics

    def _backward(
        self,
        groups: Sequence[Group],
        old_logp: Tensor | None,
        reference_logp: Tensor | None,
        advantages: Tensor,
        weights: Tensor,
    ) -> Tensor:
        """Add the gradient of one forward pass; its share of the loss, the KL and the entropy."""
        scores, owner = self.policy.scores(groups)
        loss = grpo_gr_loss(
            scores.logp,
            # With one update a rollout, pi_old is the policy itself: the ratio is 1.
            scores.logp.detach() if old_logp is None else old_logp,
            reference_logp,
            advantages,
            weights,
            owner,
            epsilon=self.settings.epsilon,
            beta=self.settings.beta,
            ratio=self.settings.ratio,
        )
        self.manual_backward(loss)
        with torch.no_grad():
            entropy = mean_over_completions(scores.entropy, owner, len(weights))
            kl = torch.zeros_like(entropy)
            if reference_logp is not None:
                tokens = k3(scores.logp, reference_logp)
                kl = mean_over_completions(tokens, owner, len(weights))
            return torch.stack([loss.detach(), (weights * kl).sum(), (weights * entropy).sum()])

    def _reference_logp(self, groups: Sequence[Group]) -> Tensor | None:
        return None if self.reference is None else self.reference.logp(groups)

    def _log(self, metrics: dict[str, float], batch_size: int) -> None:
        shown = {"reward", "kl"}
        for name, value in metrics.items():
            self.log(f"train/{name}", value, batch_size=batch_size, prog_bar=name in shown)

    def configure_optimizers(self) -> Any:
        """AdamW on what learns, with a cosine schedule over the optimiser's steps."""
        learning = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            learning, lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        schedule = get_cosine_schedule_with_warmup(
            optimizer, self.settings.warmup_steps, self.settings.max_steps
        )
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only the weights that learn; the base model is where it came from."""
        learning = {f"model.{name}" for name, p in self.model.named_parameters() if p.requires_grad}
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: state[name] for name in state if name in learning}
