"""Ideal traces: what they say, in the space that a model speaks."""

import re
from dataclasses import replace

import pytest

from grit.data.samples import Sample
from grit.data.shapes import ShapesSource, ideal_trace
from grit.data.shapes.ideal_traces import answer_text, convert_boxes, reflection
from grit.data.shapes.kinds import KINDS
from grit.grounding.boxes import NORMALIZED_1000, Box, Space

ORIGINAL = Space("original", 200, 100)
BOXES = (Box(10, 10, 40, 40, ORIGINAL), Box(100, 20.4, 150, 60, ORIGINAL))


def sample(question: str, answer: str, **fields: object) -> Sample:
    row: dict[str, object] = {
        "id": "set/0", "question": question, "answer": answer, "dataset": "set",
        "picture": ShapesSource("vsr", "dev", 1)[0].picture, "space": ORIGINAL, "boxes": BOXES,
        "labels": ("red circle", "blue square"),
    }  # fmt: skip
    return Sample(**(row | fields))


def test_a_relation_is_grounded_and_stated() -> None:
    row = sample("Is the red circle left of the blue square?", "yes")
    assert ideal_trace(row, ORIGINAL) == (
        "<think> red circle [10, 10, 40, 40], blue square [100, 20, 150, 60] </think>\n"
        "<rethink> the red circle is left of the blue square </rethink>\n"
        "<answer> yes"
    )
    denied = replace(row, answer="No")
    assert "<rethink> the red circle is not left of the blue square <" in ideal_trace(
        denied, ORIGINAL
    )


def test_coordinates_are_in_the_model_s_space() -> None:
    row = sample("Is the red circle left of the blue square?", "yes")
    assert "circle [50, 100, 200, 400], blue square [500, 204, 750, 600]" in ideal_trace(
        row, NORMALIZED_1000
    )
    assert "circle [14, 28, 56, 112]" in ideal_trace(row, Space("resized", 280, 280))


def test_a_detection_s_answer_moves_with_its_boxes() -> None:
    row = sample("Detect.", "[10, 10, 40, 40], [100, 20.4, 150, 60]", answer_is_box=True)
    assert answer_text(row, NORMALIZED_1000) == "[50, 100, 200, 400], [500, 204, 750, 600]"
    assert ideal_trace(row, NORMALIZED_1000).endswith(
        "<answer> " + answer_text(row, NORMALIZED_1000)
    )
    assert convert_boxes("a [1, 2, 3] b", ORIGINAL, NORMALIZED_1000) == "a [1, 2, 3] b"
    plain = sample("Which list?", "[10, 10, 40, 40]")
    assert answer_text(plain, NORMALIZED_1000) == "[10, 10, 40, 40]"


def test_real_rows_without_labels_or_boxes() -> None:
    bare = sample("Is the motorcycle away from the bird?", "No", labels=())
    assert ideal_trace(bare, ORIGINAL) == (
        "<think> object [10, 10, 40, 40], object [100, 20, 150, 60] </think>\n"
        "<rethink> that is wrong </rethink>\n<answer> No"
    )
    for boxes in (None, ()):
        empty = sample("How many dogs are there?", "0", labels=(), boxes=boxes)
        assert ideal_trace(empty, ORIGINAL) == (
            "<think> nothing </think>\n<rethink> that makes 0 </rethink>\n<answer> 0"
        )


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("How many circles are there?", "3", "that makes 3"),
        ("How many in total? (A) 2 (B) 3 (C) 4", "B", "that makes 3, option B"),
        ("What color is the star?", "red", "it is red"),
        ("What is directly left of the red circle?", "blue square", "it is the blue square"),
        ("What is behind the sheep?", "cow", "it is cow"),
        ("Are there more circles than squares?", "yes", "that is right"),
        ("How much is it? (a+b) 2", "a+b", "that makes 2, option a+b"),
        ("", "", "it is "),
    ],
)  # fmt: skip
def test_the_reflection_leads_to_the_answer(question: str, answer: str, said: str) -> None:
    assert reflection(sample(question, answer)) == said


@pytest.mark.parametrize("kind", KINDS)
def test_traces_of_drawn_scenes_hold_their_boxes_and_end_in_the_answer(kind: str) -> None:
    for row in ShapesSource(kind, "pretrain", 40):
        trace = ideal_trace(row, row.space)
        think, rethink, answer = re.fullmatch(
            r"<think> (.+) </think>\n<rethink> (.+) </rethink>\n<answer> (.+)", trace
        ).groups()
        boxes = re.findall(r"(\d+), (\d+), (\d+), (\d+)", think)
        assert [tuple(map(int, box)) for box in boxes] == [box.corners for box in row.boxes or ()]
        assert answer == row.answer
        assert "[" not in rethink
        assert len(rethink.split()) <= 12
