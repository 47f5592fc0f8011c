"""What the rules make of forms that few of MathVista's rows have."""

import json
import re

import pytest

from grit.judge.judge import Query
from grit.judge.options import options_in
from grit.judge.rules import is_right


@pytest.fixture(scope="module")
def rows(grit_data):
    lines = (grit_data / "mathvista_mini_val.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_lists_of_numbers(rows):
    asked = [row for row in rows if re.search("Python list|as a list", row["question"])]
    assert len(asked) == 2
    for row in asked:
        for form in ("The answer is {}.", "\\boxed{{{}}}", "It adds up, so the answer is {}"):
            for said in (row["answer"], row["answer"][:-1] + ", 1]", "[1, " + row["answer"][1:]):
                right = is_right(Query(row["question"], row["answer"], form.format(said)))
                assert right is (said == row["answer"]), (form, said)


def test_a_numbered_angle(rows):
    (row,) = [row for row in rows if "angle 3" in row["question"]]
    for form in ("{}. ∠3 = {}", "({}) ∠3 = {} since the lines are parallel.", "∠3 = {1}"):
        for letter, angle in zip("ABCD", ("28", "38", "52", "62"), strict=True):
            right = is_right(Query(row["question"], row["answer"], form.format(letter, angle)))
            assert right is (angle == row["answer"] == "38"), (form, angle)


def test_options_that_are_letters_in_another_order(rows):
    """A capital letter is the mark of an option, a small one its text."""
    asked = [row for row in rows if row["answer"] == "(b)"]
    assert len(asked) == 2
    for row in asked:
        options = options_in(row["question"])
        for mark, text in options.items():
            for form in ("{}", "({})", "{}.", "The answer is {}.", "Option {}", "\\boxed{{{}}}"):
                for letter in (mark, text):
                    right = is_right(Query(row["question"], row["answer"], form.format(letter)))
                    assert right is (text == "b"), (form, letter)
