import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.judge.sentences import Clause, affirmed, answers_of, clauses, concluded
from grit.judge.words import normalized


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("three dogs", ["three dogs"]),
        ("AB = AC, so the answer is (B) because of the angles.", ["(B)"]),
        ("The correct option is C.", ["C."]),
        ("It sums to 180.\n\n**Answer:** B", ["B"]),
        ("Thus \\boxed{6}", ["6}"]),
        ("The answer is 2. The answer is 3.", ["2. The", "3."]),
        ("No, because there are four.", ["No,"]),
        ("Because there are four", ["Because there are four"]),  # nothing but a reason
        ("Option A is wrong", ["Option A is wrong"]),
        ("The answer is", ["The answer is"]),
        ("answer: " * 9 + "1", ["1"]),
        ("answer: 1 " * 9, ["answer: 1 " * 9]),  # no statement, but noise
        ("", [""]),
    ],
)
def test_answers_of(text, answers):
    assert [one.strip() for one in answers_of(text)] == [one.strip() for one in answers]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Two and three are here, so there are 5.", "there are 5."),
        ("Therefore, it is red", "it is red"),
        ("It is far. Thus no.", "no."),
        ("He holds it so that it is dry", "He holds it so that it is dry"),
        ("There are, so many of them", "There are, so many of them"),
        ("a sofa", "a sofa"),
        ("It is red, so", "It is red, so"),
    ],
)
def test_concluded(text, rest):
    assert concluded(text) == rest


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a cat, not a dog", "a cat"),
        ("It is the person, not the dog, that turns away", "It is the person that turns away"),
        ("a cat instead of a dog", "a cat"),
        ("not a dog but a cat", "a cat"),
        ("not a dog", "not a dog"),
        ("it is not a dog", "it is not a dog"),
        ("instead of a dog", "instead of a dog"),  # nothing would be left
    ],
)
def test_affirmed(text, rest):
    assert affirmed(text).split() == rest.split()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("3 dogs: 2 big, 1 small", [("3 dogs", ""), ("2 big", ":"), ("1 small", ",")]),
        ("At 9:30, 1,000 of 7.5", [("at 9:30", ""), ("1000 of 7.5", ",")]),
        ("it is .5 cm", [("it is 0.5 cm", "")]),
        ("one (the left). Two", [("1", ""), ("left", "("), ("2", ")")]),
        ("a - b", [("a", ""), ("b", "-")]),
        ("red\nblue", [("red", ""), ("blue", ".")]),
        ("...", [("", ".")]),
    ],
)
def test_clauses(text, pieces):
    assert clauses(text) == [Clause(words.split(), mark) for words, mark in pieces]


@given(st.text())
def test_any_text_can_be_taken_apart(text):
    assert clauses(text)
    assert answers_of(text)
    for part in (concluded(text), affirmed(text)):
        assert bool(normalized(part)) is bool(normalized(text))


PIECES = st.sampled_from(["so", "thus", "therefore", "and", "that", "many", "yes", *",.:!\n "])


@given(st.lists(PIECES, max_size=12), st.sampled_from(["", " "]))
def test_what_follows_the_last_conclusion_concludes_nothing(pieces, between):
    rest = concluded(between.join(pieces))
    assert concluded(rest) == rest
