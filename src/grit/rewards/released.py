"""The reward of GRIT's released code (``grpo-gr/rewards.py``), which sums terms without weights.

Each term here is scaled so that its weight in ``conf/reward/released.yaml`` is its maximum, except
for ``boxes``, which is up to 1.5 at weight 1. The terms parse completions by the released code's
own rules, which are looser than the paper's (``grit.grounding.traces``). Two defects of the code
are not reproduced: a failed judge does not count as a score of 0, and whether a row is counting
data is decided for each row, not by the first row of the batch.
"""

import re
from collections.abc import Sequence

from grit.rewards.bleu import unigram_bleu
from grit.rewards.response import Response, true_count
from grit.rewards.term import needs

_ANSWER, _RETHINK = "<answer>", "<rethink>"
_TAGS = ("<think>", "</think>", _RETHINK, "</rethink>")
_NEITHER_LETTER_NOR_SPACE = re.compile(r"[^a-zA-Z0-9\s]")
_GRAM = 8
_DETECTION = "ovd"  # in the names of data sets whose answers are boxes: they are not judged
_PAD_ID = 151643  # <|endoftext|> of both families; hard-coded in the released code


@needs(judge=True, judge_but_of=_DETECTION)
def judge(response: Response) -> float | None:
    """1 if the judge's score is above 0; 0 for detection (OVDEval), which is not judged."""
    if _DETECTION in response.dataset:
        return 0.0
    return None if response.judged is None else float(response.judged > 0)


def bleu(response: Response) -> float:
    """BLEU-1 of all text after the first ``<answer>``; a closing tag counts as a word."""
    _, found, said = response.trace.text.partition(_ANSWER)
    return unigram_bleu(_words(said), _words(response.answer)) if found else 0.0


def answer_tag(response: Response) -> float:
    """1 for ``<answer>`` exactly once, one half for more than once, else 0."""
    found = response.trace.text.count(_ANSWER)
    return 1.0 if found == 1 else 0.5 if found else 0.0


def tags(response: Response) -> float:
    """1/5 for each of the four tags in order, and 1/5 if all are there and the thought has text.

    Each tag is searched in the text after the last occurrence of the tag matched before it; a
    missing tag is skipped.
    """
    rest, points = response.trace.text, 0
    for tag in _TAGS:
        if tag in rest:
            points, rest = points + 1, rest.rpartition(tag)[2]
    return (points + (points == len(_TAGS) and _thinks(response.trace.text))) / 5


def _thinks(text: str) -> bool:
    """Whether the thought has over one character and a space or symbol in it, as "a." has."""
    thought = text.rpartition("<think>")[2].partition("</think>")[0].strip()
    return len(thought) > 1 and " " in _NEITHER_LETTER_NOR_SPACE.sub(" ", thought)


def boxes(response: Response) -> float:
    """0.5 for any box in the chain, plus 1 if their number is the true count (counting data only).

    0 for a completion without ``<rethink>``.
    """
    if _RETHINK not in response.trace.text:
        return 0.0
    found = len(response.trace.boxes)
    right = response.counting and found == true_count(response.answer)
    return 0.5 * (found > 0) + 1.0 * right


def repetition(response: Response) -> float:
    """1 minus the shares of word and of token-id 8-grams that repeat immediately: in [-1, 1].

    1 for fewer than 8 words or fewer than 16 token ids. Without token ids only words count.
    """
    words = response.trace.text.split()
    if len(words) < _GRAM:
        return 1.0
    share = _repeated_share(words, len(words) - _GRAM)
    if response.token_ids is None:
        return 1 - share
    ids = _before_padding(response.token_ids)
    if len(ids) < 2 * _GRAM:
        return 1.0
    return 1 - share - _repeated_share(ids, len(ids) - 2 * _GRAM + 1)


def _before_padding(ids: Sequence[int]) -> Sequence[int]:
    return ids[: ids.index(_PAD_ID)] if _PAD_ID in ids else ids


def _repeated_share(items: Sequence[object], starts: int) -> float:
    """Share of the first ``starts`` 8-grams that equal the 8 items after them; 0 without any.

    For words, ``starts`` includes 8-grams with fewer than 8 items after them. They never match but
    count in the denominator, as in the released code.
    """
    repeats = sum(items[i : i + _GRAM] == items[i + _GRAM : i + 2 * _GRAM] for i in range(starts))
    return repeats / starts if starts else 0.0


def _words(text: str) -> list[str]:
    return _NEITHER_LETTER_NOR_SPACE.sub(" ", text).lower().split()
