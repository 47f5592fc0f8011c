"""What boxes of real rows are called."""

from pathlib import Path

import pytest

from grit.data.jsonl import read_samples
from grit.data.labels import box_labels, things_asked_about
from grit.data.samples import Sample
from grit.data.shapes import ShapesSource
from grit.grounding.boxes import Box, Space

SPACE = Space("original", 200, 100)
LEFT_BOTTOM = Box(10, 60, 40, 90, SPACE)
RIGHT_TOP = Box(120, 5, 180, 30, SPACE)
PICTURE = ShapesSource("vsr", "dev", 1)[0].picture


def labels(question: str, answer: str, *boxes: Box, **fields) -> list[str]:
    sample = Sample("set/1", question, answer, "set", PICTURE, SPACE, boxes, **fields)
    return box_labels(sample, boxes)


@pytest.mark.parametrize(
    ("question", "answer", "label"),
    [
        ("Is the motorcycle away from the bird?", "No", "motorcycle"),
        ("What is behind the sheep?", "cow", "cow"),
        ("What color is the car?", "red", "car"),
        ("Where is the bottle?", "park", "bottle"),
        ("The cup is on what?", "saucer", "saucer"),
        ("What is in the box?", "nothing", "box"),
        ("Which one?", "B", "object"),
        ("", "", "object"),
    ],
)
def test_one_box(question: str, answer: str, label: str) -> None:
    assert labels(question, answer, LEFT_BOTTOM) == [label]


def test_as_many_boxes_as_things_come_in_the_question_s_order() -> None:
    both = (LEFT_BOTTOM, RIGHT_TOP)
    assert labels("Is the handbag attached to the person?", "No", *both) == ["handbag", "person"]
    assert labels("What is near the dog?", "couch", *both) == ["couch", "dog"]
    assert labels("Is the cat left of the dog and the bed?", "No", *both) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("relation", "first"),
    [
        ("left of", "cat"),
        ("at the right side of", "dog"),
        ("under", "cat"),
        ("below", "cat"),
        ("above", "dog"),
        ("on top of", "dog"),
        ("touching", "cat"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_an_affirmed_side_says_which_box_is_which(relation: str, first: str, turned: bool) -> None:
    """`first` is what the box at the left bottom has to be."""
    boxes, names = (LEFT_BOTTOM, RIGHT_TOP), [first, "dog" if first == "cat" else "cat"]
    if turned:
        boxes = (RIGHT_TOP, LEFT_BOTTOM)
        names = names[::-1] if relation != "touching" else names
    assert labels(f"Is the cat {relation} the dog?", "Yes", *boxes) == names
    assert labels(f"What is {relation} the dog?", "cat", *boxes) == names
    assert labels(f"Is the cat {relation} the dog?", "No", *boxes) == ["cat", "dog"]


def test_more_boxes_than_things() -> None:
    three = (LEFT_BOTTOM, RIGHT_TOP, LEFT_BOTTOM)
    assert labels("Is the donut near the person?", "No", *three) == ["donut or person"] * 3
    assert labels("Is the donut round?", "Yes", *three) == ["donut"] * 3
    assert labels("What is on the grass?", "birds", *three) == ["birds"] * 3


@pytest.mark.parametrize(
    ("answer", "label"), [("2", "person"), ("1", "person"), ("3", "people"), ("many", "person")]
)
def test_a_box_that_holds_several_says_so(answer: str, label: str) -> None:
    found = labels("How many people are there?", answer, LEFT_BOTTOM, RIGHT_TOP)
    assert found == [label] * 2


def test_a_box_as_the_answer_is_no_name() -> None:
    question = 'JSON for the detected: "the kite under the black kite".'
    found = labels(question, "[1, 2, 3, 4]", LEFT_BOTTOM, answer_is_box=True)
    assert found == ["kite"]


COCO = {
    *("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    *("traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat"),
    *("dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack"),
    *("umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball"),
    *("kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket"),
    *("bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple"),
    *("sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair"),
    *("couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse"),
    *("remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink"),
    *("refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier"),
    "toothbrush",
}


def test_vsr_s_things_are_those_of_coco(grit_rows: Path) -> None:
    """Its photographs and things are COCO's, so every name can be told to be right."""
    tests = 2 if grit_rows.name == "samples" else 288
    for name, rows in (("vsr_val", tests), ("vsr_cot_train_10", 10)):
        file = read_samples(
            grit_rows / f"{name}.jsonl", grit_rows / name, name=name, require_images=False
        )
        assert len(file.samples) == rows
        for sample in file.samples:
            assert set(things_asked_about(sample)) <= COCO
            found = box_labels(sample, sample.boxes or ())
            assert {part for label in found for part in label.split(" or ")} <= COCO
