"""What a training watches its judge for: that it answers, and that nobody talks it round.

A model that is paid by a judge may learn to please the judge instead of answering. Then the reward
rises, and so does the share of answers of which ``judge=rules`` thinks otherwise: rules know few
synonyms, but cannot be talked to.
"""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grit.core import processes
from grit.judge.judge import (
    Judge,
    MeteredJudge,
    Query,
    check_failures,
    check_trouble,
    trouble_of,
)
from grit.judge.rules import is_right
from grit.rewards.response import Response
from grit.training.diagnostics import JUDGE, Rollout

log = logging.getLogger(__name__)
STEPS_WATCHED = 10  # a judge that fails for a step or two of many may be left to recover
STEPS_COMPARED = 5  # at the start and now
RIGHT = 0.5  # a score above says that an answer is right, as in `acc_binary`
DISAGREEMENT = f"{JUDGE}disagreement"
_RISE = 0.1  # of the share of answers: less is not worth a warning
_ERRORS = 3.0  # standard errors that make a rise one


class Moments(NamedTuple):
    """How many numbers there are, their sum, and the sum of their squares."""

    number: int
    total: float
    squares: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Moments":
        """Those of ``values``."""
        return cls(len(values), sum(values), sum(value * value for value in values))

    @property
    def mean(self) -> float:
        """Of the numbers, of which there is one at least."""
        return self.total / self.number

    @property
    def uncertainty(self) -> float:
        """The square of the mean's standard error."""
        return max(0.0, self.squares / self.number - self.mean**2) / self.number


class _Step(NamedTuple):
    disagreement: Moments
    reward: Moments


class JudgeWatch:
    """Watches a judge over the steps of a training, on every process alike."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        # Unjudged and all completions of the last steps, over all processes.
        self._failures: deque[tuple[int, int]] = deque(maxlen=STEPS_WATCHED)
        self._first: list[_Step] = []
        self._last: deque[_Step] = deque(maxlen=STEPS_COMPARED)
        self._warned = 0.0  # the share that was last warned of

    def check(self, totals: Sequence[float | None]) -> None:
        """Raise JudgeFailed, on every process alike, where too much of late has no reward.

        Nothing of the step has happened by then, so a run that goes on does the whole step again.
        """
        everybodys = processes.gathered((totals.count(None), len(totals), trouble_of(self.judge)))
        failed, asked, troubles = zip(*everybodys, strict=True)
        self._failures.append((sum(failed), sum(asked)))
        check_trouble(*troubles)
        check_failures(self.judge, *map(sum, zip(*self._failures, strict=True)))

    def values(self, rollouts: Sequence[Rollout]) -> dict[str, list[float]]:
        """Whether judge and rules disagree, for each answer that a service has judged."""
        if not isinstance(self.judge, MeteredJudge):
            return {}
        found = [_disagree(rollout.outcome.response) for rollout in rollouts]
        judged = [float(one) for one in found if one is not None]
        return {DISAGREEMENT: judged} if judged else {}

    def note(self, everybodys: Sequence[Mapping[str, Sequence[float]]]) -> None:
        """Take the values of a step of all processes, and warn where reward hacking shows."""
        pooled = (
            Moments.of([value for values in everybodys for value in values.get(name, ())])
            for name in (DISAGREEMENT, "reward")
        )
        step = _Step(*pooled)
        if not step.disagreement.number or not step.reward.number:
            return
        if len(self._first) < STEPS_COMPARED:
            self._first.append(step)
            return
        self._last.append(step)
        if len(self._last) == STEPS_COMPARED:
            self._compare()

    def state(self) -> dict[str, Any]:
        """What a run that goes on has to know, in plain values."""
        first, last = ([[*map(list, step)] for step in steps] for steps in self._kept())
        return {"first": first, "last": last, "warned": self._warned}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave; nothing, of a checkpoint that has none."""
        for name, steps in zip(("first", "last"), self._kept(), strict=True):
            steps.clear()
            steps.extend(_Step(*(Moments(*one) for one in step)) for step in state.get(name, ()))
        self._warned = state.get("warned", 0.0)

    def _kept(self) -> "tuple[list[_Step], deque[_Step]]":
        return self._first, self._last

    def _compare(self) -> None:
        (before, earned_before), (now, earned) = (
            [_sum(moments) for moments in zip(*steps, strict=True)] for steps in self._kept()
        )
        rise = max(_RISE, _ERRORS * (before.uncertainty + now.uncertainty) ** 0.5)
        reward_rise = _ERRORS * (earned_before.uncertainty + earned.uncertainty) ** 0.5
        if now.mean - before.mean < rise or earned.mean - earned_before.mean <= reward_rise:
            return
        if now.mean < self._warned + _RISE:  # said already
            return
        self._warned = now.mean
        if processes.rank() == 0:
            log.warning(
                "judge: of the answers of the last %d steps judge=rules would score %.0f%% "
                "otherwise, of those of the first %d steps %.0f%%, and the reward has risen from "
                "%.2f to %.2f: the model may be learning to please the judge instead of answering; "
                "read what it answers (train/%s in the metrics)",
                *(STEPS_COMPARED, 100 * now.mean, STEPS_COMPARED, 100 * before.mean),
                *(earned_before.mean, earned.mean, DISAGREEMENT),
            )


def _disagree(response: Response) -> bool | None:
    """None where nobody was asked: there is no answer, or no score."""
    answer = response.trace.answer
    if answer is None or response.judged is None:
        return None
    return (response.judged > RIGHT) != is_right(Query(response.question, response.answer, answer))


def _sum(moments: Sequence[Moments]) -> Moments:
    number, total, squares = map(sum, zip(*moments, strict=True))
    return Moments(int(number), total, squares)
