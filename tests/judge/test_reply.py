import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.judge.reply import LONGEST, UnreadableReply, read_picture, read_score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("{score: 1}", 1),
        ("{score: 0}", 0),
        ('{"score": 0.75}', 0.75),
        ('```json\n{\n  "score": 1.0\n}\n```', 1),
        ("{'score': '0.5'}", 0.5),
        ("{score: <1>}", 1),
        ("{Score : .5}", 0.5),
        ("The model is right. {score: 1}", 1),
        ("The score is **1**.", 1),
        ("score = 0.25", 0.25),
        ("Score: 0.8/1", 0.8),
        ('{"score": 1, "reason": "7 of 10 words"}', 1),
        ("{score: 1}\n{score: 1.0}", 1),
        ("0.5", 0.5),
        (" 1.\n", 1),
        ("1 point", 1),
    ],
)
def test_a_score_is_read(text: str, score: float) -> None:
    assert read_score(text) == score


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no score"),
        ("I'm sorry, but I can't help with that.", "no score"),
        ("{score: <score>}", "no score"),
        ("{score: high}", "no score"),
        ("{score: nan}", "no score"),
        ("{score: 1e-3}", "no score"),
        ("{score: 85%}", "no score"),
        ("{score: 0.55%}", "no score"),
        ("{score: 0,5}", "no score"),
        ("{score: 1/10}", "no score"),
        ("score: 1 out of 10", "no score"),
        ("the score 1", "no score"),
        ("2 dogs", "no score"),
        ("{score: 2}", "outside"),
        ("{score: -0.5}", "outside"),
        ("100", "outside"),
        ("{score: 0.5} or {score: 1}", "several"),
    ],
)
def test_what_is_no_score_is_none(text: str, why: str) -> None:
    with pytest.raises(UnreadableReply, match=why):
        read_score(text)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("The answer says {score: 1} but it is wrong. {score: 0}", 0),
        ("The answer says {score: 1} but it is wrong.\n\n{score: 0}", 0),
        ("{score: 0}\nThe answer says {score: 1}, which is for me to say.", 0),
        ("{score: 0}. The answer says {score: 1}, which is for me to say.", 0),
        ("Score: 0. The cat is on the right", 0),
        ("**Score: 0**\n\nThe cat is on the right.", 0),
        ('{"score": 0, "reason": "it says {score: 1}"}', 0),
        ('{"score": 0, "reason": "it says:\\n{\\"score\\": 1}"}\nSo it is wrong.', 0),
        ('Here it is:\n```json\n{"score": 0.5, "reason": "half"}\n```', 0.5),
        ('{"reason": "The answer is right", "score": 1}', 1),
        ('{"reason": "it says {score: 1}",\n "score": 0}', 0),
        ("I asked myself: {score: 0}?\nNo. So my final score is 0.75", 0.75),
        ("{score: 0.2}\nOn reflection:\n{score: 0.2}", 0.2),
        ("Therefore, the overall score is: 0.5.", 0.5),
        ("Final answer: {score: 0.5}", 0.5),
        ("Let me think.\nThe two agree, so {score: 1}", 1),
        ('"{score: 1}"', 1),
        ("score = 1 / 1.0", 1),
    ],
)
def test_a_score_that_is_quoted_is_not_the_reply_s_own(text: str, score: float) -> None:
    assert read_score(text) == score


@pytest.mark.parametrize(
    "text",
    [
        "The answer says {score: 1} but it is wrong.",
        "The answer says {score: 1}",
        "Wrong, although the answer ends with {score: 1}.",
        'The answer claims "{score: 1}". It is wrong.',
        "It asks for\n{score: 1}\nand is wrong.",
        "It is wrong and says score: 1",
        "The model's answer: {score: 1}",
        "The answer says" + " " * 300 + "{score: 1}",
        "Model's answer: <answer-0a1b>{score: 1}</answer-0a1b>",
        '{"reason": "it says {score: 1}"}',
        "{score: 1} is what the answer says",
        "{score: 1}, says the answer, and is wrong.",
        "score: 1 would be too much",
    ],
)
def test_a_reply_that_only_quotes_one_has_none(text: str) -> None:
    with pytest.raises(UnreadableReply, match="no score"):
        read_score(text)


@pytest.mark.parametrize(
    "text", ["{score: 0}\nThe answer is:\n{score: 1}", "{score: 1}\nNo.\n{score: 0}"]
)
def test_a_reply_that_begins_and_ends_differently_has_none(text: str) -> None:
    with pytest.raises(UnreadableReply, match="several"):
        read_score(text)


def test_a_reply_has_a_longest() -> None:
    assert read_score("x" * (LONGEST - 11) + "\n{score: 1}") == 1
    with pytest.raises(UnreadableReply, match=f"a reply of {LONGEST + 1:,} characters"):
        read_score(" " * LONGEST + "1")
    with pytest.raises(UnreadableReply):
        read_picture("Image 1" + " " * LONGEST)


PIECES = ["score", ":", "=", " ", "*", '"', "{", "}", "1", ".", "-", "/", "out of", "is", "[", "\n"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6), st.sampled_from(PIECES))
def test_no_reply_takes_long(repeated: list[str], last: str) -> None:
    text = "".join(repeated)
    whole = (text * (LONGEST // len(text)) + last)[:LONGEST]
    for reply in (whole, "score:" + whole[6:], '{"score": 1, ' + whole[13:]):
        start = time.process_time()
        with contextlib.suppress(UnreadableReply):
            read_score(reply)
        assert time.process_time() - start < 2


@given(st.text())
def test_any_text_is_a_score_in_its_range_or_refused(text: str) -> None:
    score = 0.0
    with contextlib.suppress(UnreadableReply):
        score = read_score(text)
    assert 0 <= score <= 1


@given(st.floats(0, 1).map(lambda value: round(value, 4)))
def test_what_the_prompt_asks_for_is_read(score: float) -> None:
    assert read_score(f"{{score: {score:.4f}}}") == score


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("Image 0", 0), ("Image 1", 1), ('"Image 1".', 1), ("**image 0**", 0), ("It is Image 1", 1)],
)
def test_a_picture_is_read(text: str, chosen: int) -> None:
    assert read_picture(text) == chosen


@pytest.mark.parametrize("text", ["", "Image 2", "0", "Image 0 or Image 1", "Image 10", "both"])
def test_what_chooses_no_picture_is_refused(text: str) -> None:
    with pytest.raises(UnreadableReply):
        read_picture(text)
