"""The released code's parts, clause by clause; each number was worked out by hand."""

import pytest

from grit.grounding.traces import parse
from grit.rewards.released import answer_tag, bleu, boxes, judge, repetition, tags
from grit.rewards.response import Response

BOX = "[1, 2, 3, 4] "
PAD = 151643


def response(
    completion, answer="yes", counting=False, token_ids=None, dataset="tallyqa", judged=None
):
    return Response("q", answer, dataset, parse(completion), token_ids, judged, counting)


# --- judge


@pytest.mark.parametrize(
    ("dataset", "judged", "expected"),
    [
        ("vsr", 1.0, 1.0),
        ("vsr", 0.1, 1.0),  # binary: above 0
        ("vsr", 0.0, 0.0),
        ("vsr", None, None),
        ("ovd_position", 1.0, 0.0),
        ("ovd_position", None, 0.0),  # nobody is asked
    ],
)
def test_judge(dataset, judged, expected):
    assert judge(response("<answer> a", dataset=dataset, judged=judged)) == expected


# --- BLEU-1


@pytest.mark.parametrize(
    ("completion", "answer", "expected"),
    [
        ("<answer> yes", "yes", 1),
        ("<answer> yes </answer>", "yes", 1 / 2),  # the closing tag is the word "answer"
        ("<answer> yes </answer> indeed", "yes", 1 / 3),
        ("<answer> YES!", "yes.", 1),
        ("<answer> no <answer> yes", "yes", 1 / 3),  # after the first tag: no, answer, yes
        ("<answer> yes yes", "yes", 1 / 2),  # clipped
        ("<answer> two", "two dogs", 0.36787944),  # brevity: exp(1 - 2/1)
        ("<answer> the answer </answer>", "answer", 1 / 3),
        ("yes", "yes", 0),
        ("<answer>", "yes", 0),
        ("<answer> ?!", "yes", 0),
        ("<answer> café", "cafe", 0),  # é is no letter to the code: "caf"
        ("<answer> café", "caf", 1),
        ("<answer> left_hand", "hand left", 1),
    ],
)
def test_bleu(completion, answer, expected):
    assert bleu(response(completion, answer)) == pytest.approx(expected)


# --- answer tag


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("", 0),
        ("answer: 5", 0),
        ("</answer>", 0),
        ("<answer>5", 1),
        ("<answer>5</answer>", 1),
        ("<answer><answer>", 0.5),
        ("<answer>" * 9, 0.5),
    ],
)
def test_answer_tag(completion, expected):
    assert answer_tag(response(completion)) == expected


# --- tags

ALL = "<think>{}</think><rethink></rethink>"


@pytest.mark.parametrize(
    ("completion", "fifths"),
    [
        (ALL.format("two words"), 5),
        (ALL.format("one"), 4),
        (ALL.format("a."), 5),  # "a " has two parts, one of them empty
        (ALL.format(" a. "), 5),  # stripped before, not after
        (ALL.format(".a"), 5),
        (ALL.format("a"), 4),  # one character
        (ALL.format(" a "), 4),
        (ALL.format("ab"), 4),
        (ALL.format("a\nb"), 4),  # parts are told by single spaces
        (ALL.format("a\nb c"), 5),
        (ALL.format("... !!!"), 5),  # nothing but spaces, in eight parts
        (ALL.format(".."), 5),
        (ALL.format(""), 4),
        ("<think>one</think><rethink>two words</rethink>", 4),
        ("<think>two words</think>", 2),
        ("<think>two words", 1),
        ("<think>two words</think><rethink>", 3),
        ("two words", 0),
        ("", 0),
        # A missing tag leaves the text as it is.
        ("<rethink></rethink>", 2),
        ("</rethink>", 1),
        ("</think></rethink>", 2),
        ("<think>two words<rethink></rethink>", 3),
        # What is sought stands behind the last occurrence of what was found.
        ("<rethink></rethink><think>two words</think>", 2),
        ("</rethink><rethink></think><think>", 1),
        ("<think>two words</think><think>", 1),
        ("<think>x y</think><think>two words</think><rethink></rethink>", 5),
        ("<think>two words</think><rethink></rethink></think>", 2),
        ("<think>two words</think><rethink></rethink><rethink>", 3),
        # The thought is the one behind the last <think> of the whole completion.
        ("<think>a b</think><think>c</think><rethink></rethink>", 4),
        (ALL.format("one") + " two", 4),
    ],
)
def test_tags(completion, fifths):
    assert tags(response(completion)) == pytest.approx(fifths / 5)


# --- boxes


@pytest.mark.parametrize(
    ("completion", "answer", "counting", "expected"),
    [
        (BOX + "<rethink>", "yes", False, 0.5),
        (BOX * 3 + "<rethink>" + BOX, "3", True, 1.5),
        (BOX * 2 + "<rethink>" + BOX, "3", True, 0.5),
        ("<rethink>", "0", True, 1.0),
        ("<rethink>" + BOX, "1", True, 0.0),
        (BOX * 3 + "<rethink>", "3", False, 0.5),
        (BOX + "<rethink>" + BOX + "<rethink>", "1", True, 1.5),  # before the first one
        (BOX * 3, "3", True, 0.0),  # without a <rethink> there is nothing
        ("", "0", True, 0.0),
    ],
)
def test_boxes(completion, answer, counting, expected):
    assert boxes(response(completion, answer, counting)) == expected


# --- repetition

EIGHT = "a b c d e f g h "
PLAIN, LOOPED = tuple(range(32)), tuple(range(8)) * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a " * 7, 1),  # fewer than 8 words
        ("a " * 8, 1),  # no 8-gram is looked at
        ("a " * 15, 1),  # seven are, and what follows each is cut short
        ("a " * 16, 1 - 1 / 8),  # the first repeats, seven are cut short
        ("a " * 17, 1 - 2 / 9),
        ("a " * 108, 1 - 93 / 100),
        (EIGHT * 2, 1 - 1 / 8),
        (EIGHT * 2 + "x", 1 - 1 / 9),
        (EIGHT * 5, 1 - 25 / 32),
        ("a b c d e f g " * 9, 1),  # a period of seven repeats no 8-gram at once
        (" ".join(map(str, range(100))), 1),
        (EIGHT + EIGHT.upper(), 1),  # case counts
        (EIGHT.replace(" ", "\n") + EIGHT, 1 - 1 / 8),  # white space does not
    ],
)
def test_repetition_of_words_alone(text, expected):
    assert repetition(response(text)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "token_ids", "expected"),
    [
        (EIGHT, PLAIN, 1),
        (EIGHT, LOOPED, 0),  # all 17 of 17
        (EIGHT, LOOPED[:16], 0),  # 1 of 1
        (EIGHT, LOOPED[:17], 0),  # 2 of 2
        (EIGHT, (*LOOPED[:16], 99), 1 - 1 / 2),
        (EIGHT * 5, PLAIN, 1 - 25 / 32),
        (EIGHT * 5, LOOPED, -25 / 32),  # the shares are summed
        (EIGHT * 5, LOOPED[:15], 1),  # fewer than 16 ids: all, whatever the words
        (EIGHT * 5, (), 1),
        ("a " * 7, LOOPED, 1),  # fewer than 8 words: all, whatever the ids
        ("", LOOPED, 1),
        (EIGHT, (*LOOPED[:15], PAD, *LOOPED), 1),  # up to the first pad id: 15
        (EIGHT, (*LOOPED[:16], PAD, 1, 2, 3), 0),
        (EIGHT, (PAD, *LOOPED), 1),
        (EIGHT * 2, (*PLAIN, PAD, PAD), 1 - 1 / 8),
    ],
)
def test_repetition_of_words_and_token_ids(text, token_ids, expected):
    assert repetition(response(text, token_ids=token_ids)) == pytest.approx(expected)
