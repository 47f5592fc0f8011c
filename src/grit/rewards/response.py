"""The records that rewards are computed from: a completion, before and after it is parsed."""

import re
from dataclasses import dataclass

from grit.grounding.traces import Trace


@dataclass(frozen=True)
class Attempt:
    """A completion to be scored, from a rollout or from a file."""

    question: str
    answer: str  # the true answer
    dataset: str
    completion: str
    token_ids: tuple[int, ...] | None = None
    row: str = ""  # its file and line or its sample's id, for messages


@dataclass(frozen=True)
class Response:
    """The input of a reward term: a completion that is parsed and, where needed, judged."""

    question: str
    answer: str  # the true answer
    dataset: str
    trace: Trace
    token_ids: tuple[int, ...] | None
    judged: float | None  # judge's score in [0, 1]; None: not judged; 0.0 without an answer
    counting: bool  # the data set is one whose true answer is a number of objects


def true_count(answer: str) -> int:
    """The number of objects in the true answer of a counting question.

    Raises ValueError if the answer is not an integer of up to 9 digits; its text says what was
    expected.
    """
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", answer):
        raise ValueError("a number of objects, written as an integer")
    return int(answer)
