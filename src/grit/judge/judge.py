"""The interface of judges, which score predicted answers against true ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from grit.core.errors import Resumable
from grit.judge.usage import Usage


class Query(NamedTuple):
    """A question, its true answer, and the predicted answer to judge."""

    question: str
    truth: str
    prediction: str


class Judge(ABC):
    """Scores predictions in [0, 1]; one that may cost money or stop answering says so."""

    name: str

    model: str | None = None
    """The model that judges, behind a service; None: no model judges, and nothing costs money."""

    trouble: str | None = None
    """Why it will score nothing more until the user fixes something; None while it works."""

    max_failure_rate: float = 1.0
    """The share of unjudged answers, from 0 to 1, above which a run is stopped."""

    @abstractmethod
    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query, in their order; None where the judge failed to give one."""

    def probe(self) -> None:  # noqa: B027  # not every judge can be unavailable
        """Raise GritError if it will not answer."""

    def take_usage(self) -> Usage | None:
        """Usage since the last call of this method; None of a judge that costs nothing."""
        return None


class JudgeFailed(Resumable):
    """Too many answers could not be judged for the run to continue."""


def check_failures(judge: Judge, failed: int, asked: int) -> None:
    """Raise JudgeFailed if ``failed / asked`` is above the judge's ``max_failure_rate``."""
    if failed > judge.max_failure_rate * asked:
        raise JudgeFailed(
            f"the judge failed on {failed} of {asked} answers, more than "
            f"judge.max_failure_rate={judge.max_failure_rate:g} allows"
        )


def check_trouble(*troubles: str | None) -> None:
    """Raise JudgeFailed for the first of ``troubles`` that is not None."""
    for trouble in filter(None, troubles):
        raise JudgeFailed(f"the judge gave up: {trouble}")


def score_once(judge: Judge, queries: Sequence[Query]) -> list[float | None]:
    """``judge.score``, with identical queries scored once."""
    distinct = list(dict.fromkeys(queries))
    scores = judge.score(distinct) if distinct else []
    found = dict(zip(distinct, scores, strict=True))
    return [found[query] for query in queries]
