"""The interface of judges, which score predicted answers against true ones."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from grit.core.errors import Resumable
from grit.judge.usage import Usage


class Query(NamedTuple):
    """A question, its true answer, and the predicted answer to judge."""

    question: str
    truth: str
    prediction: str


class Judge(Protocol):
    """Scores predictions in [0, 1]."""

    name: str

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query, in their order; None where the judge failed to give one."""


@runtime_checkable
class MeteredJudge(Protocol):
    """A judge that may cost money and stop answering."""

    model: str
    """The model that judges."""

    trouble: str | None
    """Why it will score nothing more until the user fixes something; None while it works."""

    max_failure_rate: float
    """The share of unjudged answers, from 0 to 1, above which a run is stopped."""

    def take_usage(self) -> Usage:
        """Usage since the last call of this method."""


@runtime_checkable
class Reachable(Protocol):
    """A judge that may be unavailable."""

    def probe(self) -> None:
        """Raise GritError if it will not answer."""


class JudgeFailed(Resumable):
    """Too many answers could not be judged for the run to continue."""


def probe(judge: Judge) -> None:
    """Check before a run that the judge answers, if it is ``Reachable``; raises GritError."""
    if isinstance(judge, Reachable):
        judge.probe()


def trouble_of(judge: Judge) -> str | None:
    """Why a judge will score nothing more; None while it works."""
    trouble: str | None = getattr(judge, "trouble", None)  # RulesJudge has no such attribute
    return trouble


def usage_of(judge: Judge) -> Usage | None:
    """A judge's usage since the last call; None for a judge that is not metered."""
    return judge.take_usage() if isinstance(judge, MeteredJudge) else None


def check_failures(judge: Judge, failed: int, asked: int) -> None:
    """Raise JudgeFailed if ``failed / asked`` is above the judge's ``max_failure_rate``."""
    if isinstance(judge, MeteredJudge) and failed > judge.max_failure_rate * asked:
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
