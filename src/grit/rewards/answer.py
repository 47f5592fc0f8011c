"""The answer reward of the paper: r_ans = s_judge + 0.1 * s_bleu.

A true answer that is a box earns nothing by its text, which is in pixels of the original image,
while the model writes its own space: terms that see annotated boxes compare the two.
"""

from grit.rewards.bleu import bleu1
from grit.rewards.response import Response
from grit.rewards.term import needs


@needs(judge=True, words=True)
def judge(response: Response) -> float | None:
    """1 if the judge's score is above 0 (as in the released code), else 0; None if it failed.

    A judge that gives small positive scores to wrong answers therefore earns them the full reward.
    The metric `judge/disagreement`, which uses a threshold of 0.5, makes that visible.
    0 where the true answer is a box.
    """
    if response.answer_is_box:
        return 0.0
    return None if response.judged is None else float(response.judged > 0)


@needs(words=True)
def bleu(response: Response) -> float:
    """BLEU-1 of the predicted against the true answer; 0 where none is predicted or it is a box."""
    if response.answer_is_box:
        return 0.0
    return bleu1(response.trace.answer or "", response.answer)
