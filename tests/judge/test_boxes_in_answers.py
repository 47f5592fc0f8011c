"""What the rules make of answers that carry the boxes of what they name."""

import time

import pytest

from grit.judge.judge import Query
from grit.judge.rules import is_right
from grit.judge.sentences import without_boxes

HELD = "What is the man holding?"
MANY = "How many dogs are there?"
CLOSED = "Is the dog red?"
CHOICES = "How many dogs are there?\n(A) 2\n(B) 3"
WHERE = "Which box has the dog?\n(A) [1, 2, 3, 4]\n(B) [5, 6, 7, 8]"
BOX = "[12, 30, 40, 50]"


@pytest.mark.parametrize(
    ("question", "truth", "right", "wrong"),
    [
        (
            HELD,
            "dog",
            [
                f"dog {BOX}",
                f"The man is holding a dog {BOX}.",
                f"dog, {BOX}",
                f"{BOX}: a dog",
                f"The man {BOX} is holding a dog {BOX}.",
                f"dog {BOX}, [1,2,3,4]",
                f"a dog {BOX} and [1, 2, 3, 4]",
                f"The answer is dog {BOX}.",
            ],
            [
                BOX,
                f"cat {BOX}",
                f"cat {BOX} dog {BOX}",
                f"cat {BOX}, dog {BOX}",
                f"dog {BOX} bird",
                f"a cat {BOX} and a dog {BOX}",
                f"dog {BOX} or cat",
                f"not a dog {BOX}",
            ],
        ),
        (HELD, "red", [f"red {BOX}"], [f"red {BOX} blue", f"blue {BOX}"]),
        (
            MANY,
            "2",
            [
                f"2 {BOX}",
                f"There are 2 dogs: {BOX} and [1, 2, 3, 4].",
                f"two dogs {BOX} here",
            ],
            [
                f"3 {BOX}",
                f"2 {BOX} 3 {BOX}",
                f"2 or 3 {BOX}",
                f"1 {BOX} 1 {BOX}",
                "[2, 2, 2, 2]",
                "[1, 2, 3, 4] [1, 2, 3, 4]",
                "2 [1, 2, 3]",
            ],
        ),
        (MANY, "12", [f"12 {BOX}"], [BOX, f"2 {BOX}"]),
        (
            CLOSED,
            "yes",
            [f"yes {BOX}", f"Yes, the dog {BOX} is red."],
            [f"no {BOX}", f"yes {BOX} no"],
        ),
        (
            CHOICES,
            "3",
            [f"B {BOX}", f"(B) {BOX}", f"B. 3 {BOX}", f"3 {BOX}"],
            [f"A {BOX}", f"2 {BOX}", f"A {BOX} B {BOX}", f"2 {BOX} B", "[3, 3, 3, 3]"],
        ),
        (WHERE, "B", ["[5, 6, 7, 8]", "B. [5, 6, 7, 8]"], ["[1, 2, 3, 4]", "B. [1, 2, 3, 4]"]),
        (HELD, "[5, 6, 7, 8]", ["The answer is [5, 6, 7, 8].", "5 6 7 8"], [f"[5, 6, 7, 8] {BOX}"]),
    ],
)
def test_an_answer_may_carry_boxes(question, truth, right, wrong):
    for text in right:
        assert is_right(Query(question, truth, text)), text
    for text in wrong:
        assert not is_right(Query(question, truth, text)), text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (f"a dog {BOX}.", "a dog  ."),
        (f"a dog, {BOX}", "a dog "),
        (f"dogs: {BOX}, [1,2,3,4]; {BOX} and {BOX}", "dogs:  "),
        (f"cat {BOX} dog", "cat ,  dog"),
        (f"the dog {BOX} is asleep", "the dog   is asleep"),
        ("[1, 2, 3]", "[1, 2, 3]"),
        ("[1, 2, 3, 4, 5]", "[1, 2, 3, 4, 5]"),
        ("1, 2, 3, 4", "1, 2, 3, 4"),
        ("", ""),
    ],
)
def test_without_boxes(text, rest):
    assert without_boxes(text) == rest


@pytest.mark.parametrize("piece", ["[1,2,3,4]", "[1,2,3,4] x ", ", ", "[ ", "[1,", " "])
def test_boxes_are_found_in_linear_time(piece):
    text = "[1,2,3,4]" + piece * (60_000 // len(piece))
    start = time.process_time()
    is_right(Query(text, "dog", text))
    assert time.process_time() - start < 5
