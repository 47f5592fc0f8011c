import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.rewards.bleu import bleu1, words

sentences = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


def naive(prediction: list[str], truth: list[str]) -> float:
    if not prediction or not truth:
        return 0.0
    left, matched = Counter(truth), 0
    for word in prediction:
        if left[word]:
            left[word] -= 1
            matched += 1
    shorter = len(prediction) < len(truth)
    penalty = math.exp(1 - len(truth) / len(prediction)) if shorter else 1.0
    return penalty * matched / len(prediction)


@given(sentences, sentences)
def test_against_a_naive_count(prediction, truth):
    assert bleu1(" ".join(prediction), " ".join(truth)) == pytest.approx(naive(prediction, truth))


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        ("Yes.", "yes", 1.0),
        ("hot-dog!", "Hot dog", 1.0),
        ("dog", "hot dog", math.exp(-1)),  # brevity penalty
        ("the hot dog", "hot dog", 2 / 3),
        ("dog dog dog", "dog", 1 / 3),  # clipping
        ("cat", "dog", 0.0),
        ("", "dog", 0.0),
        ("...", "dog", 0.0),
        ("dog", "", 0.0),
        ("a_b", "a b", 1.0),
        ("7.0", "7 0", 1.0),  # a full stop is a space
        ("[1, 2, 3, 4]", "1 2 3 4", 1.0),
    ],
)
def test_examples(prediction, truth, expected):
    assert bleu1(prediction, truth) == pytest.approx(expected)


@given(st.text(), st.text())
def test_any_texts_score_between_0_and_1(prediction, truth):
    assert 0 <= bleu1(prediction, truth) <= 1
    assert bleu1(truth, truth) == (1.0 if words(truth) else 0.0)
