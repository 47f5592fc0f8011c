import pytest

from grit.grounding.traces import parse
from grit.rewards.released import answer_tag, boxes, repetition, tags
from grit.rewards.response import Response

BOX = "[1, 2, 3, 4] "


def response(completion, answer="yes", counting=False, token_ids=None):
    return Response("q", answer, "tallyqa", parse(completion), token_ids, None, counting)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [("", 0), ("answer: 5", 0), ("<answer>5", 1), ("<answer><answer>", 0.5), ("<answer>" * 9, 0.5)],
)
def test_answer_tag(completion, expected):
    assert answer_tag(response(completion)) == expected


@pytest.mark.parametrize(
    ("completion", "fifths"),
    [
        ("<think>two words</think><rethink></rethink>", 5),
        ("<think>one</think><rethink>two words</rethink>", 4),
        ("<think>... !!!</think><rethink></rethink>", 4),  # no words
        ("<think></think><rethink></rethink>", 4),
        ("<think>two words</think>", 3),
        ("<think>two words", 1),
        ("<rethink></rethink>", 2),  # a missing tag does not hide those behind it
        ("<rethink></rethink><think>two words</think>", 3),
        ("</rethink><rethink></think><think>", 1),
        ("two words", 0),
        ("", 0),
    ],
)
def test_tags(completion, fifths):
    assert tags(response(completion)) == pytest.approx(fifths / 5)


@pytest.mark.parametrize(
    ("completion", "answer", "counting", "expected"),
    [
        (BOX + "<rethink>", "yes", False, 0.5),
        (BOX * 3 + "<rethink>" + BOX, "3", True, 1.5),
        (BOX * 2 + "<rethink>" + BOX, "3", True, 0.5),
        ("<rethink>", "0", True, 1.0),
        ("<rethink>" + BOX, "1", True, 0.0),
        (BOX * 3 + "<rethink>", "3", False, 0.5),
        (BOX * 3, "3", True, 0.0),  # without a <rethink> there is nothing
        ("", "0", True, 0.0),
    ],
)
def test_boxes(completion, answer, counting, expected):
    assert boxes(response(completion, answer, counting)) == expected


EIGHT = "a b c d e f g h "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a " * 15, 1),  # no 8-gram has another one before it
        ("a " * 16, 0),
        ("a " * 100, 0),
        (EIGHT * 2, 0),
        (EIGHT * 5, 0),  # a period of eight: every 8-gram repeats
        ("a b c d e f g " * 9, 1),  # a period of seven is no repetition of the preceding 8-gram
        (" ".join(map(str, range(100))), 1),
        (EIGHT * 2 + "x", 1 / 2),  # two 8-grams have one before them; one of them repeats it
        (EIGHT + EIGHT.upper(), 1),
    ],
)
def test_repetition_of_words(text, expected):
    assert repetition(response(text)) == pytest.approx(expected)


def test_repetition_is_the_mean_over_words_and_token_ids():
    looped, plain = tuple([7] * 32), tuple(range(32))
    assert repetition(response(EIGHT, token_ids=plain)) == 1
    assert repetition(response(EIGHT, token_ids=looped)) == 0.5
    assert repetition(response(EIGHT * 4, token_ids=looped)) == 0
    assert repetition(response(EIGHT * 4, token_ids=())) == 0.5
