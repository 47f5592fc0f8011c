"""The counting reward of the paper: whether there are as many boxes as counted objects."""

from grit.rewards.response import Response, true_count
from grit.rewards.term import needs


@needs(counting=True)
def count(response: Response) -> float:
    """1 if the reasoning has exactly as many boxes as the true answer says; counting data only.

    With a true count of 0, a completion without boxes gets 1.
    """
    return float(response.counting and len(response.trace.boxes) == true_count(response.answer))
