"""Sentence BLEU-1 (Papineni et al. 2002, unigrams only), as the paper's answer reward uses it."""

import math
import re
from collections import Counter
from collections.abc import Sequence

_NEITHER_WORD_NOR_SPACE = re.compile(r"[^\w\s]|_")


def words(text: str) -> list[str]:
    """Lower-case words; everything but letters, digits and white space separates them."""
    return _NEITHER_WORD_NOR_SPACE.sub(" ", text.lower()).split()


def bleu1(prediction: str, truth: str) -> float:
    """Clipped unigram precision times the brevity penalty, in [0, 1]; 0 if a text has no words."""
    return unigram_bleu(words(prediction), words(truth))


def unigram_bleu(predicted: Sequence[str], true: Sequence[str]) -> float:
    """``bleu1`` of texts that are already split into words."""
    if not predicted or not true:
        return 0.0
    matched = (Counter(predicted) & Counter(true)).total()
    return matched / len(predicted) * math.exp(min(0.0, 1 - len(true) / len(predicted)))
