"""The reward of GRIT's released code (``grpo-gr/rewards.py``); it sums its parts without weights.

Each part here is scaled so that its weight in ``conf/reward/released.yaml`` is the most that it
pays, but for ``boxes``, which pays up to 1.5 at weight 1. The parts read a completion by rules of
their own, looser than the paper's (``grit.grounding.traces``), and are kept to the letter. Two
defects of the code are not: a judge that fails is no 0, and each row, not the first of the batch,
says whether it is counting data.
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
_DETECTION = "ovd"  # in the name of a data set whose answers are boxes, which nobody judges
_PAD_ID = 151643  # <|endoftext|> of the two families; the code names it by this number


@needs(judge=True, judge_but_of=_DETECTION)
def judge(response: Response) -> float | None:
    """1 where the judge's score is above 0; detection (OVDEval) is not judged and earns nothing."""
    if _DETECTION in response.dataset:
        return 0.0
    return None if response.judged is None else float(response.judged > 0)


def bleu(response: Response) -> float:
    """BLEU-1 of everything after the first ``<answer>``: a closing tag counts as a word."""
    _, found, said = response.trace.text.partition(_ANSWER)
    return unigram_bleu(_words(said), _words(response.answer)) if found else 0.0


def answer_tag(response: Response) -> float:
    """1 for ``<answer>`` exactly once, one half for more than once, else 0."""
    found = response.trace.text.count(_ANSWER)
    return 1.0 if found == 1 else 0.5 if found else 0.0


def tags(response: Response) -> float:
    """A fifth for each of the four tags in order, and one where all are there and it thinks.

    A tag is sought in what follows the last occurrence of the one found before it; one that is
    missing leaves the text as it is.
    """
    rest, points = response.trace.text, 0
    for tag in _TAGS:
        if tag in rest:
            points, rest = points + 1, rest.rpartition(tag)[2]
    return (points + (points == len(_TAGS) and _thinks(response.trace.text))) / 5


def _thinks(text: str) -> bool:
    """Two characters or more, in two parts or more; empty parts count, so that "a." has two."""
    thought = text.rpartition("<think>")[2].partition("</think>")[0].strip()
    return len(thought) > 1 and " " in _NEITHER_LETTER_NOR_SPACE.sub(" ", thought)


def boxes(response: Response) -> float:
    """0.5 for any box before ``<rethink>``, plus 1 where their number is the true count.

    The second part is for counting data only. Without a ``<rethink>`` there is nothing.
    """
    if _RETHINK not in response.trace.text:
        return 0.0
    found = len(response.trace.boxes)
    right = response.counting and found == true_count(response.answer)
    return 0.5 * (found > 0) + 1.0 * right


def repetition(response: Response) -> float:
    """One minus the shares of 8-grams that repeat at once, of words and of token ids: down to -1.

    Fewer than 8 words, or fewer than 16 ids, give 1 whatever the other has. Over words alone where
    the token ids are not known.
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
    """Share of the first ``starts`` 8-grams that the next 8 items repeat; 0 of none.

    Words are looked at up to the last 8, whose successors are cut short: they equal nothing, but
    count.
    """
    repeats = sum(items[i : i + _GRAM] == items[i + _GRAM : i + 2 * _GRAM] for i in range(starts))
    return repeats / starts if starts else 0.0


def _words(text: str) -> list[str]:
    return _NEITHER_LETTER_NOR_SPACE.sub(" ", text).lower().split()
