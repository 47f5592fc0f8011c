"""A term of the reward, and the decorator by which it declares what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from grit.rewards.response import Response

Term = Callable[[Response], float | None]
"""The value before weighting; None if it needs a judge's score and the response has none.

A term that needs annotated boxes is not called where there are none.
"""

T = TypeVar("T", bound=Term)
_DECLARED = "grit_needs"


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a term depends on: the judge's score, counting data, boxes, or words.

    It is declared by a decorator: ``@needs(judge=True)``. A term without a declaration is first
    called on the response as it is, judged only if another term needs that; where it returns None,
    the judge is asked and the term is called again.
    """

    judge: bool = False  # it reads ``response.judged``
    judge_but_of: str | None = None  # except on data sets with this in their name
    counting: bool = False  # it is 0 on all data but counting data
    boxes: bool = False  # it reads ``response.true_boxes``; no other term is shown them
    words: bool = False  # it is 0 where the true answer is a box, and reads no judge's score there

    def __call__(self, term: T) -> T:
        """The term itself, which has this declaration from now on."""
        setattr(term, _DECLARED, self)
        return term

    def judged(self, response: Response) -> bool:
        """Whether the term reads the judge's score of this response."""
        left_out = self.judge_but_of is not None and self.judge_but_of in response.dataset
        left_out = left_out or (self.words and response.answer_is_box)
        return self.judge and not left_out and not self.masked(response)

    def masked(self, response: Response) -> bool:
        """Whether the term says nothing of this response, because its row has no annotated box."""
        return self.boxes and (response.boxes is None or response.true_boxes is None)


needs = Needs
"""Declare what a term needs: ``@needs(judge=True)``."""


def needs_of(term: Term) -> Needs:
    """What a term declared by ``needs``; nothing without a declaration."""
    found = getattr(term, _DECLARED, None)
    return found if isinstance(found, Needs) else Needs()
