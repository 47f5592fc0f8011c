import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.judge.judge import Query
from grit.judge.polarity import polarity
from grit.judge.rules import is_right

BED = "Is the cat on the bed? Please answer yes or no."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes, the cat is lying on the bed, " + "which is large and " * 9 + "white.", "yes"),
        ("Yes, both cats are, and there is no dog near them.", "yes"),
        ("True. The cat is on the bed.", "yes"),
        ("No. The dog is on the bed, and the cat is not, so it is not there.", "no"),
        ("No cat is on the bed.", "no"),
        ("So, and therefore thus yes.", "yes"),
        ("so " * 20_000 + "no", "no"),
        ("so " * 20_000, None),
        ("The cat is far from it. So no.", "no"),
        ("The cat is lying on the bed.", "yes"),
        ("There is no cat on the bed.", "no"),
        ("The cat isn't on the bed, it is under it.", "no"),
        ("The cat is under the bed.", None),
        ("The bed is on the cat.", None),
        ("A cat on the bed", None),  # says nothing of being there
        ("Yes and no.", None),
        ("Yes, or no", None),
        ("Yes, but no.", None),
        ("No, yes", None),
        ("Yes. No.", None),
        ("Yes, maybe.", None),
        ("Yes, I am not sure.", None),
        ("Yes, the cat is not on the bed.", None),
        ("No, the cat is on the bed.", None),
        ("Yes. " + "yes, " * 20, None),
        ("Yes. " + "It is there. " * 40, None),
        ("That is not true.", None),
        ("", None),
    ],
)
def test_polarity(text, said):
    assert polarity(BED, text) == said


WORDS = "yes no true false the cat is on bed and or not there so maybe , . ! but it nope answer:"
PIECES = st.sampled_from(WORDS.split())


@given(st.lists(PIECES, max_size=12))
def test_no_text_is_right_for_both(pieces):
    text = " ".join(pieces)
    assert sum(is_right(Query(BED, truth, text)) for truth in ("yes", "no")) <= 1
