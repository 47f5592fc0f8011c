"""Monitors the judge during training: for failures, and for reward hacking.

A model that is rewarded by a judge may learn to please the judge instead of answering. Then the
reward rises together with the share of answers that ``judge=rules`` scores differently: rules know
few synonyms, but cannot be persuaded.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from grit.core import processes
from grit.judge.judge import Judge, Query, check_failures, check_trouble
from grit.judge.rules import is_right
from grit.rewards.response import Response
from grit.rewards.reward import Outcome, judge_failures
from grit.training.diagnostics import JUDGE, Rollout

log = logging.getLogger(__name__)
STEPS_WATCHED = 10  # failures are counted over these, so that a judge may recover after one or two
STEPS_COMPARED = 5  # first and last steps that are compared
RIGHT = 0.5  # the score above which an answer counts as right, as in `acc_binary`
DISAGREEMENT = f"{JUDGE}disagreement"
_RISE = 0.1  # smallest rise of the share of disagreements that is warned of
_ERRORS = 3.0  # standard errors above which a rise is significant


Step = list[list[float]]
"""Of a step's disagreements, and of its rewards: their number, sum, and sum of squares."""


class _Mean(NamedTuple):
    mean: float
    squared_error: float  # the square of its standard error


class JudgeWatch:
    """Monitors a judge over the steps of a training, with the same state on every rank."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        # Numbers of unjudged and of all answers of the last steps, over all ranks.
        self._failures: deque[tuple[int, int]] = deque(maxlen=STEPS_WATCHED)
        self._first: list[Step] = []
        self._last: deque[Step] = deque(maxlen=STEPS_COMPARED)
        self._warned = 0.0  # the share of disagreements in the last warning

    def check(self, outcomes: Iterable[Outcome]) -> None:
        """Raise JudgeFailed on every rank if the judge failed on too many recent answers.

        Called before the step's update, so a resumed run repeats the whole step.

        Args:
            outcomes: of this rank's completions.
        """
        everybodys = processes.all_gather((*judge_failures(outcomes), self.judge.trouble))
        failed, asked, troubles = zip(*everybodys, strict=True)
        self._failures.append((sum(failed), sum(asked)))
        check_trouble(*troubles)
        check_failures(self.judge, *map(sum, zip(*self._failures, strict=True)))

    def values(self, rollouts: Sequence[Rollout]) -> dict[str, list[float]]:
        """Whether judge and rules disagree, for each answer judged by a service; else empty."""
        if self.judge.model is None:
            return {}
        found = [_disagree(rollout.outcome.response) for rollout in rollouts]
        judged = [float(one) for one in found if one is not None]
        return {DISAGREEMENT: judged} if judged else {}

    def note(self, everybodys: Sequence[Mapping[str, Sequence[float]]]) -> None:
        """Add the ``values`` of all ranks of a step; warn if disagreement and reward have risen."""
        pooled = [
            [value for values in everybodys for value in values.get(name, ())]
            for name in (DISAGREEMENT, "reward")
        ]
        if not all(pooled):
            return
        step: Step = [
            [len(values), sum(values), sum(value * value for value in values)] for values in pooled
        ]
        if len(self._first) < STEPS_COMPARED:
            self._first.append(step)
            return
        self._last.append(step)
        if len(self._last) == STEPS_COMPARED:
            self._compare()

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint, in plain values."""
        return {"first": [*self._first], "last": [*self._last], "warned": self._warned}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the result of ``state``; {} for a checkpoint that has none."""
        self._first = list(state.get("first", ()))
        self._last = deque(state.get("last", ()), maxlen=STEPS_COMPARED)
        self._warned = state.get("warned", 0.0)

    def _compare(self) -> None:
        """Warn if disagreement and reward have both risen significantly since the first steps."""
        (before, reward_before), (now, reward_now) = _means(self._first), _means(self._last)
        least_rise = max(_RISE, _ERRORS * (before.squared_error + now.squared_error) ** 0.5)
        noise = _ERRORS * (reward_before.squared_error + reward_now.squared_error) ** 0.5
        disagreement_rose = now.mean - before.mean >= least_rise
        reward_rose = reward_now.mean - reward_before.mean > noise
        warned_already = now.mean < self._warned + _RISE
        if not (disagreement_rose and reward_rose) or warned_already:
            return
        self._warned = now.mean
        if processes.rank() == 0:
            log.warning(
                "judge: of the answers of the last %d steps judge=rules would score %.0f%% "
                "otherwise, of those of the first %d steps %.0f%%, and the reward has risen from "
                "%.2f to %.2f: the model may be learning to please the judge instead of answering; "
                "read what it answers (train/%s in the metrics)",
                *(STEPS_COMPARED, 100 * now.mean, STEPS_COMPARED, 100 * before.mean),
                *(reward_before.mean, reward_now.mean, DISAGREEMENT),
            )


def _disagree(response: Response) -> bool | None:
    """Whether judge and rules disagree; None without an answer or a score."""
    answer = response.trace.answer
    if answer is None or response.judged is None:
        return None
    return (response.judged > RIGHT) != is_right(Query(response.question, response.answer, answer))


def _means(steps: Iterable[Step]) -> list[_Mean]:
    """The mean disagreement and the mean reward of all values of these steps."""
    found = []
    for moments in zip(*steps, strict=True):
        number, total, squares = map(sum, zip(*moments, strict=True))
        mean = total / number
        found.append(_Mean(mean, max(0.0, squares / number - mean**2) / number))
    return found
