"""The reward: a weighted sum of terms, each a function named in the configuration."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from grit.core.calls import function_at
from grit.core.errors import GritError, Interrupted, Resumable
from grit.grounding.traces import parse
from grit.judge.judge import Judge, Query, score_once
from grit.rewards.response import Attempt, Response, true_count
from grit.rewards.settings import RewardSettings
from grit.rewards.term import Term, needs_of

REHEARSED = (
    "<think> two dogs [1, 2, 30, 40], [50, 2, 90, 40] </think>\n"
    "<rethink> I count 2. </rethink>\n<answer> 2 </answer>"
)
"""A completion that every term can be tried on."""


class Answered(Protocol):
    """The fields of a training triplet that ``Reward.check`` reads."""

    @property
    def id(self) -> str:
        """The name in messages of a sample that comes from no file."""

    @property
    def where(self) -> str:
        """``FILE line N``; empty for a sample that comes from no file."""

    @property
    def answer(self) -> str:
        """The true answer."""

    @property
    def dataset(self) -> str:
        """The data set it is from."""


@dataclass(frozen=True)
class Outcome:
    """The reward of one completion: the total, the weighted terms, and the parsed response.

    A term that needs the judge is None if the judge failed, and then so is the total: such a
    completion has no reward and is masked out, which differs from a reward of 0.
    """

    total: float | None
    components: dict[str, float | None]
    response: Response
    unrewarded: dict[str, float | None] = field(default_factory=dict)
    """Unweighted values of the terms of weight 0, for the logs."""


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
        responses = [self._response(attempt) for attempt in attempts]
        rows = [attempt.row or repr(attempt.question[:60]) for attempt in attempts]
        asked = [self._asks(response) for response in responses]
        responses = _judged(responses, asked, judge)
        parts = [self._components(*pair) for pair in zip(responses, rows, strict=True)]
        # A term without @needs asks for the judge's score by returning None.
        unsaid = [
            not was_asked and response.judged is None and None in found.values()
            for was_asked, response, found in zip(asked, responses, parts, strict=True)
        ]
        responses = _judged(responses, unsaid, judge)
        for i in (i for i, again in enumerate(unsaid) if again):
            parts[i] = self._components(responses[i], rows[i])
        return [
            Outcome(_total(found), found, response, self._unrewarded(response, row))
            for found, response, row in zip(parts, responses, rows, strict=True)
        ]

    def rehearse(self) -> None:
        """Call every term once with a made-up response, to find errors before a model is loaded.

        Its data set is called "rehearsal", so that terms that count their calls can skip it.

        Raises:
            GritError: a term raises or returns no number for this well-formed, judged response.
        """
        made_up = Attempt("How many dogs are there?", "2", "rehearsal", REHEARSED, (1, 2, 3))
        response = replace(self._response(made_up), judged=1.0, counting=True)
        row = "a made-up response"
        values = self._components(response, row) | self._unrewarded(response, row)
        for name, value in values.items():
            if value is None:
                raise GritError(
                    f"reward.terms.{name}: gave None for a made-up response that is judged; "
                    "None says that a completion has no reward at all: return a number"
                )

    def possible(self, datasets: Iterable[str]) -> list[str]:
        """The terms that can be nonzero on these data sets; without any, a run cannot learn."""
        counts = not self.counting_datasets.isdisjoint(datasets)
        return [
            name
            for name, (call, weight) in self.terms.items()
            if weight and (counts or not needs_of(call).counting)
        ]

    def fault(self, dataset: str, answer: str) -> str | None:
        """What a true answer should have been, if this reward cannot use it; None if it can."""
        if dataset in self.counting_datasets:
            try:
                true_count(answer)
            except ValueError as expected:
                return f"{expected} ({dataset!r} is counting data)"
        return None

    def check(self, samples: Iterable[Answered]) -> None:
        """Raise GritError if this reward cannot score a sample, or must be 0 for all of them."""
        datasets = set()
        for sample in samples:
            datasets.add(sample.dataset)
            expected = self.fault(sample.dataset, sample.answer)
            if expected:
                where = sample.where or sample.id
                raise GritError(
                    f'{where}: field "answer": expected {expected}, found {sample.answer!r}'
                )
        if not self.possible(datasets):
            raise GritError(
                f"no part of the reward can be other than 0 on {', '.join(sorted(datasets))}: "
                "a run would learn nothing; choose another reward, give a term a weight, or name "
                "the counting data in reward.counting_datasets"
            )

    def _response(self, attempt: Attempt) -> Response:
        trace = parse(attempt.completion)
        return Response(
            question=attempt.question,
            answer=attempt.answer,
            dataset=attempt.dataset,
            trace=trace,
            token_ids=attempt.token_ids,
            judged=0.0 if trace.answer is None else None,
            counting=attempt.dataset in self.counting_datasets,
        )

    def _asks(self, response: Response) -> bool:
        """Whether a term has declared that it reads the judge's score of this response."""
        return response.judged is None and any(
            weight and needs_of(call).judged(response) for call, weight in self.terms.values()
        )

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
    """A term's value at its weight.

    Raises:
        Resumable: a user's function raises or returns no finite number; once it is fixed, the run
            can be resumed.
    """
    try:
        value = call(response)
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


def _total(components: Mapping[str, float | None]) -> float | None:
    values = [value for value in components.values() if value is not None]
    return sum(values) if len(values) == len(components) else None


def _query(response: Response) -> Query:
    return Query(response.question, response.answer, response.trace.answer or "")
