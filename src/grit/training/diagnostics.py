"""Metrics of a training step: reward terms, advantages, lengths, speed."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean, pstdev

import torch
from torch import Tensor

from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space
from grit.judge.usage import NOTHING, Usage
from grit.rewards.reward import Outcome
from grit.rollout.engine import Completion
from grit.training.grpo_gr import has_variance

JUDGE = "judge/"  # prefix of the metrics of the judge's use


@dataclass(frozen=True)
class Rollout:
    """One completion of one training prompt, and its reward."""

    sample: Sample
    space: Space  # of the completion's boxes
    completion: Completion
    outcome: Outcome

    @property
    def boxes(self) -> list[Box]:
        """The boxes of the chain, in the space that the model writes."""
        corners = self.outcome.response.trace.boxes
        return [Box(x1, y1, x2, y2, self.space) for x1, y1, x2, y2 in corners]


def rewards_of(rollouts: Sequence[Rollout], groups: int) -> tuple[Tensor, Tensor]:
    """The rewards of all completions, 0 without one, and which have one: both [G, N]."""
    totals = [rollout.outcome.total for rollout in rollouts]
    judged = torch.tensor([total is not None for total in totals]).view(groups, -1)
    return torch.tensor([total or 0.0 for total in totals]).view(groups, -1), judged


class Stopwatch:
    """Seconds spent in each phase of a step, with ``device`` synchronised at each phase's end."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of a block to the phase ``name``."""
        start = time.perf_counter()
        yield
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def total(self) -> float:
        """Seconds of all phases."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class StepRecord:
    """One rank's data of a step, gathered for the metrics of all ranks.

    Shapes: G prompts of the rank, N completions of each.
    """

    values: dict[str, list[float]]  # metric -> a value for each completion that has one
    rewards: Tensor  # [G, N]
    judged: Tensor  # [G, N]
    advantages: Tensor  # [G, N]
    tokens: int  # of all that were sampled, with those that dynamic sampling has replaced
    completions: int  # these
    seconds: dict[str, float]  # of each phase
    judge_usage: Usage | None = None


def rollout_values(rollouts: Sequence[Rollout]) -> dict[str, list[float]]:
    """Per-completion values: reward and its terms (also by data set), lengths, boxes, failures."""
    values: dict[str, list[float]] = defaultdict(list)
    for rollout in rollouts:
        outcome = rollout.outcome
        values["judge_failures"].append(float(outcome.total is None))
        values["completion_tokens"].append(len(rollout.completion.token_ids))
        values["truncated"].append(float(rollout.completion.truncated))
        values["boxes"].append(len(outcome.response.trace.boxes))
        if outcome.total is not None:
            values["reward"].append(outcome.total)
            values[f"reward/{rollout.sample.dataset}"].append(outcome.total)
        for name, value in outcome.components.items():
            if value is not None:
                values[f"reward_part/{name}"].append(value)
                values[f"reward_part/{rollout.sample.dataset}/{name}"].append(value)
        for name, value in outcome.unrewarded.items():
            if value is not None:
                values[f"unrewarded/{name}"].append(value)
    return dict(values)


def step_metrics(records: Sequence[StepRecord]) -> dict[str, float]:
    """The metrics of a step from the records of all ranks.

    Means are taken over the completions of all ranks, not over ranks' means; a phase's time is
    that of the slowest rank.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for name, found in record.values.items():
            values[name] += found
    metrics = {name: fmean(found) for name, found in values.items()}
    metrics["judge_failures"] = sum(values["judge_failures"])
    metrics["reward_std"] = pstdev(values.get("reward", [0.0]))
    rewards, judged, advantages = (
        torch.cat([getattr(record, name) for record in records])
        for name in ("rewards", "judged", "advantages")
    )
    metrics["advantage_std"] = advantages.std(unbiased=False).item()
    metrics["advantage_abs"] = advantages.abs().mean().item()
    varied = has_variance(rewards, judged).float().mean().item()
    metrics["groups_without_variance"] = 1 - varied
    return metrics | _judge(records) | _speed(records)


def _judge(records: Sequence[StepRecord]) -> dict[str, float]:
    """Use and cost of the judge; empty for a judge without usage, no cost without a price."""
    used = [record.judge_usage for record in records if record.judge_usage is not None]
    if not used:
        return {}
    summary = sum(used, NOTHING).summary()
    return {f"{JUDGE}{name}": value for name, value in summary.items() if value is not None}


def _speed(records: Sequence[StepRecord]) -> dict[str, float]:
    phases = {name: max(record.seconds[name] for record in records) for name in records[0].seconds}
    total = sum(phases.values())
    metrics = {f"seconds/{name}": seconds for name, seconds in phases.items()}
    metrics["seconds/step"] = total
    metrics["tokens_per_second"] = sum(record.tokens for record in records) / total
    metrics["completions_per_second"] = sum(record.completions for record in records) / total
    return metrics
