"""The counting reward of the paper: as many boxes as there are objects."""

from grit.rewards.response import Response, true_count
from grit.rewards.term import needs


@needs(counting=True)
def count(response: Response) -> float:
    """1 where the reasoning has exactly as many boxes as the true answer says; counting data only.

    No box at all is right where the true count is 0.
    """
    return float(response.counting and len(response.trace.boxes) == true_count(response.answer))
