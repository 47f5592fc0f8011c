"""The answer reward of the paper: r_ans = s_judge + 0.1 * s_bleu."""

from grit.rewards.bleu import bleu1
from grit.rewards.response import Response
from grit.rewards.term import needs


@needs(judge=True)
def judge(response: Response) -> float | None:
    """1 where the judge's score is above 0 (the code's binary reading); None where it failed.

    A judge that gives a little for anything pays all for it: `judge/disagreement` in the metrics,
    which takes scores above 0.5 for right, is where that shows.
    """
    return None if response.judged is None else float(response.judged > 0)


def bleu(response: Response) -> float:
    """BLEU-1 of the predicted against the true answer; 0 where none is predicted."""
    return bleu1(response.trace.answer or "", response.answer)
