"""A part of the reward, and what it declares of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from grit.rewards.response import Response

Term = Callable[[Response], float | None]
"""A part before weighting; None where it cannot say because the response is not judged."""

T = TypeVar("T", bound=Term)
_DECLARED = "grit_needs"


@dataclass(frozen=True)
class Needs:
    """What a term cannot do without.

    A term that declares nothing is tried first on responses that nobody has judged, if no other
    term has them judged anyway; where it gives None, the judge is asked and it is called again.
    """

    judge: bool = False  # it reads ``response.judged``
    judge_but_of: str | None = None  # not of data sets with this in their name
    counting: bool = False  # it is 0 on all but counting data

    def judged(self, response: Response) -> bool:
        """Whether it reads the judge's score of this response."""
        left_out = self.judge_but_of is not None and self.judge_but_of in response.dataset
        return self.judge and not left_out


def needs(
    *, judge: bool = False, judge_but_of: str | None = None, counting: bool = False
) -> Callable[[T], T]:
    """Declare what a term needs: ``@needs(judge=True)``."""

    def declared(term: T) -> T:
        setattr(term, _DECLARED, Needs(judge, judge_but_of, counting))
        return term

    return declared


def needs_of(term: Term) -> Needs:
    """What a term has declared."""
    found = getattr(term, _DECLARED, None)
    return found if isinstance(found, Needs) else Needs()
