"""What a step tells about itself: reward parts, advantages, lengths, speed."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean, pstdev

from torch import Tensor

from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space
from grit.rewards.reward import Outcome
from grit.rollout.sampler import Completion
from grit.training.grpo_gr import has_variance


@dataclass(frozen=True)
class Rollout:
    """One completion of one training prompt, and what it earned."""

    sample: Sample
    space: Space  # of the completion's boxes
    completion: Completion
    outcome: Outcome

    @property
    def boxes(self) -> list[Box]:
        """The boxes of the chain, in the space that the model speaks."""
        corners = self.outcome.response.trace.boxes
        return [Box(x1, y1, x2, y2, self.space) for x1, y1, x2, y2 in corners]


class Stopwatch:
    """Seconds spent in each phase of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def total(self) -> float:
        """Seconds of all phases."""
        return sum(self.seconds.values())


def rollout_metrics(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Mean reward, each of its parts (also per data set), lengths, boxes, judge failures."""
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
    failures = values.pop("judge_failures")
    metrics = {name: fmean(found) for name, found in values.items()}
    metrics["judge_failures"] = sum(failures)
    if "reward" in values:
        metrics["reward_std"] = pstdev(values["reward"])
    return metrics


def group_metrics(rewards: Tensor, judged: Tensor, advantages: Tensor) -> dict[str, float]:
    """How much the groups [G, N] of a step can teach."""
    return {
        "advantage_std": advantages.std(unbiased=False).item(),
        "advantage_abs": advantages.abs().mean().item(),
        "groups_without_variance": 1 - has_variance(rewards, judged).float().mean().item(),
    }


def speed_metrics(watch: Stopwatch, tokens: int, completions: int) -> dict[str, float]:
    """Seconds by phase and throughput."""
    metrics = {f"seconds/{name}": seconds for name, seconds in watch.seconds.items()}
    metrics["seconds/step"] = watch.total
    metrics["tokens_per_second"] = tokens / watch.total
    metrics["completions_per_second"] = completions / watch.total
    return metrics
