import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.judge.reply import UnreadableReply, read_picture, read_score


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
