"""The reward: a weighted sum of terms, each a function named in the configuration."""

import logging
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from grit.core.calls import function_at
from grit.core.errors import GritError, Interrupted, Resumable
from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space, with_area
from grit.judge.judge import Judge, Query, score_once
from grit.rewards.response import Attempt, Response, true_count
from grit.rewards.settings import RewardSettings
from grit.rewards.term import Term, needs_of

log = logging.getLogger(__name__)
REHEARSED = (
    "<think> two dogs [1, 2, 30, 40], [50, 2, 90, 40] </think>\n"
    "<rethink> I count 2. </rethink>\n<answer> 2 </answer>"
)
"""A completion that every term can be tried on."""
REHEARSED_IN = Space("original", 100, 100)
REHEARSED_BOXES = (Box(0, 0, 30, 40, REHEARSED_IN), Box(50, 0, 90, 40, REHEARSED_IN))


@dataclass(frozen=True)
class Outcome:
    """The reward of one completion: the total, the weighted terms, and the parsed response.

    A term that needs the judge is None if the judge failed, and then so is the total: such a
    completion has no reward and is masked out, which differs from a reward of 0. A term that needs
    annotated boxes is None on rows without any, and the total is then the sum of the other terms.
    """

    total: float | None
    components: dict[str, float | None]
    response: Response
    unrewarded: dict[str, float | None] = field(default_factory=dict)
    """Unweighted values of the terms of weight 0, for the logs."""

    @property
    def judge_failed(self) -> bool:
        """Whether it lacks the judge's score; a user's term may be None for other reasons."""
        return self.total is None and self.response.judged is None


def judge_failures(outcomes: Iterable[Outcome]) -> tuple[int, int]:
    """How many answers the judge failed on, and how many it was asked about."""
    failed = scored = 0
    for outcome in outcomes:
        failed += outcome.judge_failed
        response = outcome.response
        scored += response.judged is not None and response.trace.answer is not None
    return failed, failed + scored


class Reward:
    """Scores completions by ``terms``: name -> (function, weight).

    ``counting_datasets`` names the data sets whose true answer is a number of objects.
    A term of weight 0 has a component of 0; its unweighted value is kept for the logs, and the
    judge is not asked because of it.
    """

    def __init__(
        self, terms: Mapping[str, tuple[Term, float]], counting_datasets: Collection[str]
    ) -> None:
        if not terms:
            raise GritError("reward.terms: expected at least one term, found none")
        calls = [call for call, _ in terms.values()]
        for name, (call, weight) in terms.items():
            if not math.isfinite(weight):
                raise GritError(f"reward.terms.{name}.weight: expected a number, found {weight}")
            if calls.count(call) > 1:
                raise GritError(f"reward.terms.{name}: its function is the call of another term")
        self.terms = dict(terms)
        self.counting_datasets = frozenset(counting_datasets)

    def score(self, attempts: Sequence[Attempt], judge: Judge) -> list[Outcome]:
        """The reward of each attempt, in the same order.

        The judge scores each distinct question, truth and answer once, and only where a term needs
        its score.
        """
        responses = [self._parsed(attempt) for attempt in attempts]
        rows = [attempt.row or repr(attempt.question[:60]) for attempt in attempts]
        asked = [self._asks(response) for response in responses]
        responses = _judged(responses, asked, judge)
        outcomes = [self._outcome(*pair) for pair in zip(responses, rows, strict=True)]
        # A term without @needs asks for the judge's score by returning None.
        unsaid = [
            outcome.judge_failed and not was_asked
            for outcome, was_asked in zip(outcomes, asked, strict=True)
        ]
        responses = _judged(responses, unsaid, judge)
        for i in (i for i, again in enumerate(unsaid) if again):
            outcomes[i] = self._outcome(responses[i], rows[i])
        return [
            replace(outcome, unrewarded=self._unrewarded(outcome.response, row))
            for outcome, row in zip(outcomes, rows, strict=True)
        ]

    def rehearse(self) -> None:
        """Call every term once with a made-up response, to find errors before a model is loaded.

        Its data set is called "rehearsal", so that terms that count their calls can skip it.

        Raises:
            GritError: a term raises or returns no number for this well-formed, judged response.
        """
        made_up = Attempt(
            question="How many dogs are there?",
            answer="2",
            dataset="rehearsal",
            completion=REHEARSED,
            token_ids=(1, 2, 3),
            box_space=REHEARSED_IN,
            space=REHEARSED_IN,
            true_boxes=REHEARSED_BOXES,
        )
        response = replace(self._parsed(made_up), judged=1.0, counting=True)
        row = "a made-up response"
        values = self._components(response, row) | self._unrewarded(response, row)
        for name, value in values.items():
            if value is None:
                raise GritError(
                    f"reward.terms.{name}: gave None for a made-up response that is judged; "
                    "None says that a completion has no reward at all: return a number"
                )

    @property
    def of_boxes(self) -> list[str]:
        """The terms with a weight that see annotated boxes."""
        terms = self.terms.items()
        return [name for name, (call, weight) in terms if weight and needs_of(call).boxes]

    def possible(
        self, datasets: Iterable[str], *, annotated: bool = True, worded: bool = True
    ) -> list[str]:
        """The terms that can be nonzero; without any, a run cannot learn.

        Args:
            datasets: that the rows are of.
            annotated: whether any row has an annotated box.
            worded: whether any row has another answer than a box.
        """
        counts = not self.counting_datasets.isdisjoint(datasets)
        return [
            name
            for name, (call, weight) in self.terms.items()
            if weight
            and (counts or not needs_of(call).counting)
            and (annotated or not needs_of(call).boxes)
            and (worded or not needs_of(call).words)
        ]

    def fault(self, dataset: str, answer: str) -> str | None:
        """What a true answer should have been, if this reward cannot use it; None if it can."""
        if dataset in self.counting_datasets:
            try:
                true_count(answer)
            except ValueError as expected:
                return f"{expected} ({dataset!r} is counting data)"
        return None

    def check(self, samples: Iterable[Sample]) -> None:
        """Raise GritError if this reward cannot score a sample, or must be 0 for all of them."""
        datasets, annotated, unannotated, worded = set(), 0, 0, False
        numbers: dict[str, bool] = {}  # data set -> whether every answer is a number of objects
        for sample in samples:
            datasets.add(sample.dataset)
            numbers[sample.dataset] = (
                numbers.get(sample.dataset, True) and sample.answer.isdecimal()
            )
            worded = worded or not sample.answer_is_box
            has_boxes = bool(with_area(sample.boxes or ()))
            annotated, unannotated = annotated + has_boxes, unannotated + (not has_boxes)
            expected = self.fault(sample.dataset, sample.answer)
            if expected:
                where = sample.where or sample.id
                raise GritError(
                    f'{where}: field "answer": expected {expected}, found {sample.answer!r}'
                )
        if not self.possible(datasets, annotated=annotated > 0, worded=worded):
            boxes = ", give the rows their bboxs" if self.of_boxes and not annotated else ""
            raise GritError(
                f"no part of the reward can be other than 0 on {', '.join(sorted(datasets))}: "
                f"a run would learn nothing; choose another reward, give a term a weight{boxes}, "
                "or name the counting data in reward.counting_datasets"
            )
        if self.of_boxes and unannotated:
            log.info(
                "%d of %d rows have no annotated box: the reward has no %s there",
                unannotated,
                annotated + unannotated,
                ", ".join(self.of_boxes),
            )
        self._tell_uncounted(name for name, counts in numbers.items() if counts)

    def _tell_uncounted(self, datasets: Iterable[str]) -> None:
        """Say which data sets look like counting data and are not paid for counts."""
        terms = [
            n for n, (call, weight) in self.terms.items() if weight and needs_of(call).counting
        ]
        left_out = sorted({*datasets} - self.counting_datasets)
        if terms and left_out:
            text = "%s: every answer is a number, and %s pays nothing there: see %s"
            setting = "reward.counting_datasets"
            log.info(text, ", ".join(left_out), ", ".join(terms), setting)

    def _parsed(self, attempt: Attempt) -> Response:
        return Response.of(attempt, counting=attempt.dataset in self.counting_datasets)

    def _asks(self, response: Response) -> bool:
        """Whether a term has declared that it reads the judge's score of this response."""
        return response.judged is None and any(
            weight and needs_of(call).judged(response) for call, weight in self.terms.values()
        )

    def _outcome(self, response: Response, row: str) -> Outcome:
        """The outcome without ``unrewarded``; the total is of the terms that are not masked."""
        components = self._components(response, row)
        total: float | None = 0.0
        for name, value in components.items():
            if not needs_of(self.terms[name][0]).masked(response):
                total = None if total is None or value is None else total + value
        return Outcome(total, components, response)

    def _components(self, response: Response, row: str) -> dict[str, float | None]:
        return {
            name: _weighted(name, call, weight, response, row) if weight else 0.0
            for name, (call, weight) in self.terms.items()
        }

    def _unrewarded(self, response: Response, row: str) -> dict[str, float | None]:
        return {
            name: _weighted(name, call, 1.0, response, row)
            for name, (call, weight) in self.terms.items()
            if not weight
        }


def reward_from(settings: RewardSettings) -> Reward:
    """The reward of a configuration.

    Raises GritError for a dotted path that names no function, and for what ``Reward`` refuses.
    """
    terms = {name: (_function(name, t.call), t.weight) for name, t in settings.terms.items()}
    return Reward(terms, settings.counting_datasets)


def _judged(responses: Sequence[Response], wanted: Sequence[bool], judge: Judge) -> list[Response]:
    """``responses``, with the judge's scores of those ``wanted``; None where the judge failed."""
    found = list(responses)
    rows = [row for row, is_wanted in enumerate(wanted) if is_wanted]
    scores = score_once(judge, [_query(found[row]) for row in rows])
    for row, score in zip(rows, scores, strict=True):
        found[row] = replace(found[row], judged=score)
    return found


def _function(name: str, path: str) -> Term:
    return function_at(path, f"reward.terms.{name}.call")


def _weighted(name: str, call: Term, weight: float, response: Response, row: str) -> float | None:
    """A term's value at its weight; None where it is masked or needs a score that there is not.

    Annotated boxes are hidden from a term that has not declared that it reads them, so that results
    can say what a run has trained on.

    Raises:
        Resumable: a user's function raises or returns no finite number; once it is fixed, the run
            can be resumed.
    """
    declared = needs_of(call)
    if declared.masked(response):
        return None
    try:
        value = call(response if declared.boxes else replace(response, true_boxes=None))
        if value is None:
            return None
        if not hasattr(value, "__float__"):
            raise TypeError(f"gave {value!r:.60}, expected a number")
        weighted = weight * float(value)
    except (Interrupted, Resumable):  # raised to abort the step, not by the term itself
        raise
    except Exception as error:  # a user's function may raise anything
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise Resumable(f"reward.terms.{name}: on {row}: {said}; mend the function") from error
    if not math.isfinite(weighted):
        raise Resumable(
            f"reward.terms.{name}: on {row}: gave {value}, which is not a reward; mend the function"
        )
    return weighted


def _query(response: Response) -> Query:
    return Query(response.question, response.answer, response.trace.answer or "")
