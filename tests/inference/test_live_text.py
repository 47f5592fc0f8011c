"""The terminal shows chains one after another, however their tokens come."""

import io
import os

from PIL import Image

from grit.data.shapes.scenes import scene_for
from grit.grounding.boxes import NORMALIZED_1000
from grit.inference.answers import Answer
from grit.inference.live_text import LiveText
from grit.inference.questions import Asked

SCENE = scene_for("dev", 0)
QUESTIONS = [Asked("a.png", SCENE, "One?"), Asked("b.png", SCENE, "Two?", truth="2")]


def decode(ids) -> str:
    """Bytes stand for tokens."""
    return bytes(ids).decode("utf-8", "replace")


def answer(text: str, truncated: bool = False) -> Answer:
    return Answer("", text, Image.new("RGB", (8, 8)), NORMALIZED_1000, truncated=truncated)


def live(count: int = 1) -> tuple[LiveText, io.StringIO]:
    out = io.StringIO()
    return LiveText(QUESTIONS, count, decode, out), out


def test_a_text_appears_as_it_is_written():
    shown, out = live()
    seen = []
    for end in range(1, 4):
        shown.watch(0, 0, b"abc"[:end], end == 3)
        seen.append(out.getvalue())
    assert seen == ["a.png: One?\na", "a.png: One?\nab", "a.png: One?\nabc\n"]


def test_the_second_waits_for_the_first():
    shown, out = live()
    shown.watch(1, 0, b"later", True)
    assert out.getvalue() == ""
    shown.watch(0, 0, b"first", True)
    expected = "a.png: One?\nfirst\n\nb.png: Two?  (the right answer: 2)\nlater\n"
    assert out.getvalue() == expected
    shown.finish([[answer("first")], [answer("later")]])
    assert out.getvalue() == expected


def test_samples_are_numbered_and_what_was_cut_off_says_so():
    shown, out = live(count=2)
    shown.watch(0, 0, b"ab", False)
    shown.watch(0, 1, b"xy", True)
    shown.finish([[answer("ab", truncated=True), answer("xy")], [answer("c"), answer("d")]])
    first, _, rest = out.getvalue().partition("\n\n")
    assert first == (
        "a.png: One?\n--- sample 1 of 2\nab ... stopped by evaluation.max_new_tokens\n"
        "--- sample 2 of 2\nxy"
    )
    assert rest.endswith("--- sample 1 of 2\nc\n--- sample 2 of 2\nd\n")


def test_half_a_character_is_not_shown():
    shown, out = live()
    text = "é!".encode()
    for end in range(1, 4):
        shown.watch(0, 0, text[:end], end == 3)
    assert out.getvalue() == "a.png: One?\né!\n"


def test_a_model_cannot_write_to_the_terminal_itself():
    shown, out = live()
    shown.watch(0, 0, b"\x1b[2J\x07ok", True)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "ok" in out.getvalue()


def test_what_the_terminal_cannot_show_does_not_end_the_sampling():
    kept = io.BytesIO()
    shown = LiveText(QUESTIONS, 1, decode, io.TextIOWrapper(kept, "ascii"))
    shown.watch(0, 0, "café".encode(), True)
    assert kept.getvalue() == b"a.png: One?\ncaf?\n"


def test_a_reader_that_has_read_enough_does_not_end_the_sampling():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as out:
        shown = LiveText(QUESTIONS, 1, decode, out)
        for end in range(1, 4):
            shown.watch(0, 0, b"abc"[:end], end == 3)
        shown.finish([[answer("abc")], [answer("later")]])


def test_questions_are_finished_one_after_another():
    whole, parts = live(), live()
    groups = [[answer("cut", truncated=True)], [answer("later")]]
    whole[0].finish(groups)
    for group in groups:
        parts[0].finish([group])
    assert parts[1].getvalue() == whole[1].getvalue()
    assert "cut ... stopped by" in whole[1].getvalue()
