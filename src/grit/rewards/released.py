"""The parts that the released code adds to its judge and BLEU-1; it sums them without weights.

Each part here is scaled so that its weight in ``conf/reward/released.yaml`` is the most that it
pays, but for ``boxes``, which pays up to 1.5 at weight 1.
"""

from collections.abc import Sequence

from grit.rewards.bleu import words
from grit.rewards.response import Response, true_count

_TAGS = ("<think>", "</think>", "<rethink>", "</rethink>")
_GRAM = 8


def answer_tag(response: Response) -> float:
    """1 for ``<answer>`` exactly once, one half for more than once, else 0."""
    found = response.trace.text.count("<answer>")
    return 1.0 if found == 1 else 0.5 if found else 0.0


def tags(response: Response) -> float:
    """A fifth for each of the four tags found in order, one for a think text of two words or more.

    A tag is sought after the last one found, so a missing tag does not hide those behind it.
    """
    position, points = 0, 0
    for tag in _TAGS:
        start = response.trace.text.find(tag, position)
        if start >= 0:
            position, points = start + len(tag), points + 1
    return (points + (len(words(response.trace.think or "")) >= 2)) / 5


def boxes(response: Response) -> float:
    """0.5 for any box before ``<rethink>``, plus 1 where their number is the true count.

    The second part is for counting data only. Without a ``<rethink>`` there is nothing.
    """
    if "<rethink>" not in response.trace.text:
        return 0.0
    found = len(response.trace.boxes)
    right = response.counting and found == true_count(response.answer)
    return 0.5 * (found > 0) + 1.0 * right


def repetition(response: Response) -> float:
    """One minus the share of repeated 8-grams: the mean over words and over token ids.

    Over words alone where the token ids are not known.
    """
    shares = [_repeated_share(response.trace.text.split())]
    if response.token_ids is not None:
        shares.append(_repeated_share(response.token_ids))
    return 1 - sum(shares) / len(shares)


def _repeated_share(items: Sequence[object]) -> float:
    """Share of the 8-grams, at every position, that equal the 8 items right before them.

    An 8-gram with fewer than 8 items before it has no preceding 8-gram and is not counted; where
    all are such (fewer than 16 items) the share is 0.
    """
    starts = range(_GRAM, len(items) - _GRAM + 1)
    repeats = sum(items[i : i + _GRAM] == items[i - _GRAM : i] for i in starts)
    return repeats / len(starts) if starts else 0.0
