import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.judge.judge import Query
from grit.judge.numbers import number_said
from grit.judge.rules import is_right

DOGS = "How many dogs are in the picture?"
LEFT = "Subtract all red cubes. How many objects are left?"
LARGER = "How many bars are larger than 50?"
LENGTH = "What is the length of the longest side, in cm?"


@pytest.mark.parametrize(
    ("question", "text", "number"),
    [
        (DOGS, "There are three dogs in the picture: two brown dogs and one white dog.", "3"),
        (DOGS, "There are 3 dogs. One of them sleeps and the other two are playing.", "3"),
        (DOGS, "Two dogs are visible, one on the left and one on the right.", "2"),
        (DOGS, "There are two dogs, and three cats are sleeping next to them.", "2"),
        (DOGS, "A single dog is lying on the carpet in front of the open fire.", "1"),
        (DOGS, "I don't see any dogs in this picture of an empty street.", "0"),
        (DOGS, "There are no dogs in the picture; it shows two cats by the water.", "0"),
        (DOGS, "Two black animals and one white one, so there are 3 dogs in total.", "3"),
        (DOGS, "There are 2 dogs in the picture, not 3.", "2"),
        (DOGS, "There are two dogs. There are three dogs.", None),
        (DOGS, "There are three dogs. There are two dogs. There is one dog.", None),
        (DOGS, "There are 2 dogs on the left and 2 dogs on the right.", None),
        (DOGS, "3 dogs, 2 dogs, 1 dog", None),
        (DOGS, "1, 2, 3", None),
        (DOGS, "There are 3 or 4 dogs.", None),
        (DOGS, "There are more than 3 dogs lying on the carpet by the open fire.", None),
        (DOGS, "There are not 3 dogs lying on the carpet by the open fire.", None),
        (DOGS, "Of the 7 dogs that were here there is nothing left to be seen now.", None),
        (DOGS, "One of the dogs is drinking.", None),
        (DOGS, "Yes, there are 3 dogs.", None),
        (DOGS, f"There are 3 dogs: {'9' * 5000} brown dogs and 1 white dog.", None),
        (DOGS, f"There are {'9' * 5000} dogs: 2 brown dogs and 1 white dog.", None),
        (DOGS, "There is no dog in this picture, just 1 cat.", None),
        ("How many dogs are drinking?", "There are 5 dogs, and 2 of them are drinking.", "2"),
        ("How many dogs are drinking?", "Three dogs, but none of the dogs is drinking.", "0"),
        (LEFT, "After subtracting the 2 red cubes, 6 objects are left.", "6"),
        (LEFT, "There are 8 objects in total. Subtracting 2 red ones leaves 6.", "6"),
        (LEFT, "There are 8 objects in total, and 2 of them are red.", None),
        (LARGER, "There are 3 bars larger than 50.", "3"),
        ("How many more rings than squares are there?", "There are 2 rings and 1 squares", None),
        (LENGTH, "By Pythagoras, c = sqrt(4^2 + 6^2) = sqrt(52) = 7.2", "7.2"),
        (LENGTH, "The longest side of the triangle in the image is 7.2 cm long.", "7.2"),
        (LENGTH, "The sides are 4.0 cm, 6.0 cm and 7.2 cm.", None),
        (LENGTH, "The first side is 4.0 cm. The second side is 7.2 cm.", None),
        (LENGTH, "", None),
    ],
)
def test_number_said(question, text, number):
    assert number_said(question, text) == number


WORDS = """
    there are is dogs dog cats 1 2 3 two three one 0 no none and or of them the so not single but
    any in . , : ; ( left total red therefore I see = answer:
"""
PIECES = st.sampled_from([*WORDS.split(), "the answer is", "in total"])


@given(st.sampled_from([DOGS, LEFT, LENGTH]), st.lists(PIECES, max_size=14))
def test_no_text_is_right_for_two_numbers(question, pieces):
    text = " ".join(pieces)
    assert sum(is_right(Query(question, str(number), text)) for number in range(7)) <= 1
