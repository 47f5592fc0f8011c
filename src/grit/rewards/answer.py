"""The answer reward of the paper: r_ans = s_judge + 0.1 * s_bleu."""

from grit.rewards.bleu import bleu1
from grit.rewards.response import Response
from grit.rewards.term import needs


@needs(judge=True)
def judge(response: Response) -> float | None:
    """1 if the judge's score is above 0 (as in the released code), else 0; None if it failed.

    A judge that gives small positive scores to wrong answers therefore earns them the full reward.
    The metric `judge/disagreement`, which uses a threshold of 0.5, makes that visible.
    """
    return None if response.judged is None else float(response.judged > 0)


def bleu(response: Response) -> float:
    """BLEU-1 of the predicted against the true answer; 0 where none is predicted."""
    return bleu1(response.trace.answer or "", response.answer)
