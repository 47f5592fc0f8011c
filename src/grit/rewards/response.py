"""The records that rewards are computed from."""

import re
from dataclasses import dataclass

from grit.grounding.traces import Trace


@dataclass(frozen=True)
class Attempt:
    """A completion to be scored, wherever it comes from."""

    question: str
    answer: str  # the true answer
    dataset: str
    completion: str
    token_ids: tuple[int, ...] | None = None
    row: str = ""  # where it comes from, for messages


@dataclass(frozen=True)
class Response:
    """What a reward part sees of one completion."""

    question: str
    answer: str  # the true answer
    dataset: str
    trace: Trace
    token_ids: tuple[int, ...] | None
    judged: float | None  # judge's score in [0, 1]; None: unjudged; 0.0 where no answer is given
    counting: bool  # the data set is one whose true answer is a number of objects


def true_count(answer: str) -> int:
    """The number of objects that a counting question's true answer names.

    Raises ValueError where the answer is not an integer that can be a count.
    """
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", answer):
        raise ValueError("a number of objects, written as an integer")
    return int(answer)
