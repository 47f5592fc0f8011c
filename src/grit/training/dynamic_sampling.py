"""Dynamic sampling (DAPO): groups whose rewards are all equal are replaced by further prompts.

Such a group has no gradient. Which prompts take its place depends on the seed, the step and the
place of the group among those of all ranks alone, so the number of ranks changes nothing.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from grit.core import processes
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.training.diagnostics import Rollout, rewards_of
from grit.training.grpo_gr import has_variance
from grit.training.rollouts import Drawn, Sampled

Roll = Callable[[list[Drawn]], tuple[Sampled, list[Rollout]]]
"""Samples and rewards the completions of further prompts; called by every rank."""


def further_prompts(
    samples: Sequence[Sample], seed: int, step: int, turn: int, count: int
) -> list[Drawn]:
    """``count`` triplets that are drawn in a turn of a step.

    Their epochs are negative and differ between steps, turns and rounds over the triplets, so that
    a triplet that is drawn again has other completions.
    """
    generator = torch.Generator().manual_seed(seed_for(seed, "further", step, turn))
    places: list[int] = []
    while len(places) < count:
        places += torch.randperm(len(samples), generator=generator).tolist()
    rounds = [i // len(samples) for i in range(count)]
    return [
        (samples[place], -1 - seed_for("further", step, turn, round_) % 2**31)
        for place, round_ in zip(places, rounds, strict=False)
    ]


def refilled(
    sampled: Sampled,
    rollouts: list[Rollout],
    roll: Roll,
    draw: Callable[[int, int], list[Drawn]],
    turns: int,
) -> tuple[Sampled, list[Rollout]]:
    """Replace groups whose rewards are all equal, in at most ``turns`` rounds of further sampling.

    Args:
        sampled: this rank's groups.
        rollouts: their completions with rewards, in the order of groups.
        roll: samples and rewards.
        draw: the prompts of a turn, given its number and how many all ranks need together.
        turns: rounds at most; groups still without variance are then kept.
    """
    rank, ranks = processes.rank(), processes.world_size()
    for turn in range(turns):
        if not any(processes.all_gather(any(each.outcome.total is not None for each in rollouts))):
            break  # no reward at all: the judge has failed, and would on further prompts
        varied = variance(rollouts, len(sampled.prompts))
        missing = (~varied).nonzero().squeeze(-1).tolist()
        # The prompts of a step are dealt in turn: group i of a rank is number i * ranks + rank.
        mine = [i * ranks + rank for i in missing]
        every = sorted(number for theirs in processes.all_gather(mine) for number in theirs)
        if not every:
            break
        drawn = draw(turn, len(every))
        more, rewarded = roll([drawn[every.index(number)] for number in mine])
        sampled, rollouts = _replaced(sampled, rollouts, more, rewarded, missing)
    return sampled, rollouts


def variance(rollouts: Sequence[Rollout], groups: int) -> Tensor:
    """Which groups [G] have judged rewards that differ."""
    if not groups:
        return torch.zeros(0, dtype=torch.bool)
    return has_variance(*rewards_of(rollouts, groups))


def _replaced(
    sampled: Sampled,
    rollouts: list[Rollout],
    more: Sampled,
    rewarded: list[Rollout],
    missing: list[int],
) -> tuple[Sampled, list[Rollout]]:
    """The step with each group of ``more`` that varies in the place that it was sampled for."""
    drawn, prompts = list(sampled.drawn), list(sampled.prompts)
    completions, rollouts = list(sampled.completions), list(rollouts)
    varied = variance(rewarded, len(more.prompts)).tolist()
    for new, place in enumerate(missing):
        if varied[new]:
            drawn[place], prompts[place] = more.drawn[new], more.prompts[new]
            completions[place] = more.completions[new]
            size = len(completions[place])
            rollouts[place * size : (place + 1) * size] = rewarded[new * size : (new + 1) * size]
    return Sampled(drawn, prompts, completions), rollouts
