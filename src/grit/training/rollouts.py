"""The rollout of a step: N completions of each prompt, and their rewards.

Shapes: G prompts of a step, N completions of each, K terms of the reward.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import nan

import torch
from torch import Tensor

from grit.core import processes
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.grounding.boxes import union_iou, with_area
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.prompting import Prompting
from grit.rewards.response import Attempt
from grit.rewards.reward import Outcome, Reward
from grit.rollout.engine import Completion, Engine
from grit.rollout.settings import Sampling
from grit.training.diagnostics import Rollout
from grit.training.groups import Group
from grit.training.layouts.data_parallel import DataParallel
from grit.training.objectives import difficulty_weight, overlong_penalty
from grit.training.settings import TrainingSettings

Drawn = tuple[Sample, int]
"""A training triplet, and the epoch in which it is drawn: both seed its completions."""


@dataclass(frozen=True)
class Sampled:
    """The prompts of a step with their completions."""

    drawn: list[Drawn]  # G
    prompts: list[EncodedPrompt]  # G
    completions: list[list[Completion]]  # G lists of N

    @property
    def groups(self) -> list[Group]:
        """Prompts and token ids, for scoring by the policy."""
        pairs = zip(self.prompts, self.completions, strict=True)
        return [Group(prompt, tuple(c.token_ids for c in group)) for prompt, group in pairs]

    @property
    def engine_logps(self) -> list[Tensor] | None:
        """The engine's log-probabilities of each group's tokens; None: it is the policy's own."""
        flat = [[completion.logps for completion in group] for group in self.completions]
        if any(logps is None for group in flat for logps in group):
            return None
        return [torch.tensor([p for logps in group for p in logps or ()]) for group in flat]

    @property
    def lengths(self) -> Tensor:
        """Tokens of each completion, [G, N]."""
        return torch.tensor([[len(c.token_ids) for c in group] for group in self.completions])

    @property
    def truncated(self) -> Tensor:
        """Which completions were cut off at the limit of new tokens, [G, N]."""
        return torch.tensor([[c.truncated for c in group] for group in self.completions])


@dataclass(eq=False)
class Rollouts:
    """Samples completions of the policy by an engine, and rewards them."""

    adapter: Adapter
    engine: Engine
    sampling: Sampling
    prompting: Prompting  # how a triplet is asked
    reward: Reward
    judge: Judge  # of answers
    settings: TrainingSettings
    seed: int  # of sampling

    def sampled(self, drawn: Sequence[Drawn], layout: DataParallel) -> Sampled:
        """N completions of each triplet's prompt; every rank has to call it."""
        prompts = [self.prompting.encode(sample, self.adapter) for sample, _ in drawn]
        seeds = [self._seeds(one) for one in drawn]
        with layout.gathered() if self.engine.samples_from_model else nullcontext():
            completions = processes.fail_together(
                lambda: self.engine.sample(prompts, seeds, self.sampling)
            )
        if self.settings.append_eos:
            completions = [[self._with_eos(each) for each in group] for group in completions]
        return Sampled(list(drawn), prompts, completions)

    def _seeds(self, drawn: Drawn) -> list[int]:
        """What each of a triplet's N completions is sampled with."""
        sample, epoch = drawn
        size = self.settings.group_size
        return [seed_for(self.seed, "rollout", sample.id, epoch, k) for k in range(size)]

    def _with_eos(self, completion: Completion) -> Completion:
        """Append an end-of-sequence token if there is none, as the released code does."""
        room = len(completion.token_ids) < self.sampling.max_new_tokens
        if not room or completion.token_ids[-1] in self.adapter.end_ids:
            return completion
        eos = self.adapter.tokenizer.eos_token_id
        logps = completion.logps and (*completion.logps, nan)  # the engine has not sampled it
        return replace(completion, token_ids=(*completion.token_ids, eos), logps=logps)

    def rewarded(self, sampled: Sampled) -> list[Rollout]:
        """Every completion with its reward, in the order of groups."""
        rows = [
            (drawn[0], prompt.space, completion, seed)
            for drawn, prompt, group in zip(
                sampled.drawn, sampled.prompts, sampled.completions, strict=True
            )
            for completion, seed in zip(group, self._seeds(drawn), strict=True)
        ]
        attempts = [
            Attempt(
                question=sample.question,
                answer=sample.answer,
                dataset=sample.dataset,
                completion=completion.text,
                token_ids=completion.token_ids,
                row=sample.id,
                box_space=space,
                space=sample.space,
                true_boxes=sample.boxes,
                answer_is_box=sample.answer_is_box,
                seed=seed,
            )
            for sample, space, completion, seed in rows
        ]
        outcomes = self.reward.score(attempts, self.judge)
        return [
            Rollout(sample, space, completion, self._with_penalty(outcome, completion))
            for (sample, space, completion, _), outcome in zip(rows, outcomes, strict=True)
        ]

    def _with_penalty(self, outcome: Outcome, completion: Completion) -> Outcome:
        """The outcome with DAPO's penalty of long completions as one more term, if it is on."""
        share = self.settings.objective.overlong_share
        if not share:
            return outcome
        longest = self.sampling.max_new_tokens
        penalty = overlong_penalty(len(completion.token_ids), longest, share)
        total = None if outcome.total is None else outcome.total + penalty
        return replace(outcome, total=total, components={**outcome.components, "overlong": penalty})

    def terms(self, rollouts: Sequence[Rollout]) -> tuple[Tensor, Tensor]:
        """The unweighted reward terms [G, N, K], NaN where there is none, and their weights [K]."""
        weights = {name: weight for name, (_, weight) in self.reward.terms.items() if weight}
        if self.settings.objective.overlong_share:
            weights["overlong"] = 1.0
        values = [
            [_divided(rollout.outcome.components[name], weight) for name, weight in weights.items()]
            for rollout in rollouts
        ]
        shape = -1, self.settings.group_size, len(weights)
        return torch.tensor(values).view(shape), torch.tensor(list(weights.values()))


def _divided(component: float | None, weight: float) -> float:
    return float("nan") if component is None else component / weight


def difficulty_weights(rollouts: Sequence[Rollout], group_size: int) -> Tensor:
    """UniVG-R1's weight of each group, [G, 1]; 1 for rows without annotated boxes.

    The IoU is that of rewards and metrics, with every box of a completion: in detection the answer
    itself is a box.
    """
    weights = []
    for start in range(0, len(rollouts), group_size):
        group = rollouts[start : start + group_size]
        true = with_area(group[0].sample.boxes or ())
        said = [rollout.outcome.response.boxes or () for rollout in group]
        overlaps = [union_iou(boxes, true) for boxes in said] if true else None
        weights.append([difficulty_weight(sum(overlaps) / len(overlaps) if overlaps else None)])
    return torch.tensor(weights)
