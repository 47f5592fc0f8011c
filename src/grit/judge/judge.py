"""What every judge is: somebody who scores predicted answers against true ones."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


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


def score_once(judge: Judge, queries: Sequence[Query]) -> list[float | None]:
    """``judge.score``, asking for identical queries once."""
    distinct = list(dict.fromkeys(queries))
    scores = judge.score(distinct) if distinct else []
    found = dict(zip(distinct, scores, strict=True))
    return [found[query] for query in queries]
