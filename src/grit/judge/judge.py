"""What every judge is: somebody who scores predicted answers against true ones."""

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
    """Why it will score nothing more until somebody does something; None while it will."""

    max_failure_rate: float
    """The share of unjudged answers above which a run is not worth going on with."""

    def take_usage(self) -> Usage:
        """What was used since this was called last."""


@runtime_checkable
class Reachable(Protocol):
    """A judge that may not be there."""

    def meet(self) -> None:
        """Raise GritError where it will answer nothing."""


class JudgeFailed(Resumable):
    """Too much could not be judged to go on."""


def meet(judge: Judge) -> None:
    """Find out now, and not after hours, whether the judge answers; see ``Reachable``."""
    if isinstance(judge, Reachable):
        judge.meet()


def trouble_of(judge: Judge) -> str | None:
    """Why a judge will score nothing more; None while it will."""
    trouble: str | None = getattr(judge, "trouble", None)  # rules never have any
    return trouble


def usage_of(judge: Judge) -> Usage | None:
    """What a judge has used since this was called last; None for one that uses nothing."""
    return judge.take_usage() if isinstance(judge, MeteredJudge) else None


def check_failures(judge: Judge, failed: int, asked: int) -> None:
    """Raise JudgeFailed where a judge has failed on more of its answers than it may."""
    if isinstance(judge, MeteredJudge) and failed > judge.max_failure_rate * asked:
        raise JudgeFailed(
            f"the judge failed on {failed} of {asked} answers, more than "
            f"judge.max_failure_rate={judge.max_failure_rate:g} allows"
        )


def check_trouble(*troubles: str | None) -> None:
    """Raise JudgeFailed for the first that is one."""
    for trouble in filter(None, troubles):
        raise JudgeFailed(f"the judge gave up: {trouble}")


def score_once(judge: Judge, queries: Sequence[Query]) -> list[float | None]:
    """``judge.score``, asking for identical queries once."""
    distinct = list(dict.fromkeys(queries))
    scores = judge.score(distinct) if distinct else []
    found = dict(zip(distinct, scores, strict=True))
    return [found[query] for query in queries]
