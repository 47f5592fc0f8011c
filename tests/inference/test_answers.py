"""What an answer is made of: its parts, its boxes in pixels of the image, a row, a picture."""

import io

import numpy as np
from PIL import Image

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.inference.answers import Answer
from grit.pages.chains import PALETTE

TEXT = (
    "<think> a [0, 0, 500, 500], b [500, 500, 1000, 1000] and a again [0, 0, 500, 500] </think>\n"
    "<rethink> so </rethink>\n<answer> two"
)


def answer(completion: str = TEXT, box_space: Space = NORMALIZED_1000, **more) -> Answer:
    image = Image.new("RGB", (200, 100), "white")
    return Answer("How many?", completion, image, box_space, name="a.png", **more)


def test_a_row_has_the_contracts_fields_in_pixels_of_the_image():
    row = answer().row()
    assert row == {
        "image": "a.png",
        "question": "How many?",
        "sample": 1,
        "completion": TEXT,
        "think": " a [0, 0, 500, 500], b [500, 500, 1000, 1000] and a again [0, 0, 500, 500] ",
        "rethink": " so ",
        "answer": "two",
        "boxes": [[0, 0, 100, 50], [100, 50, 200, 100], [0, 0, 100, 50]],
        "width": 200,
        "height": 100,
        "truncated": False,
    }
    resized = answer(box_space=Space("resized", 400, 200)).boxes
    assert [box.corners for box in resized][1] == (250, 250, 500, 500)


def test_equal_boxes_have_one_number():
    numbered = answer().numbered
    assert {n: box.corners for n, box in numbered.items()} == {
        1: (0, 0, 100, 50),
        2: (100, 50, 200, 100),
    }
    numbers = [piece.number for piece in answer().chain.pieces if piece.kind == "box"]
    assert numbers == [1, 2, 1]


def test_without_tags_the_whole_completion_is_the_answer():
    assert answer(" seven \n", tagged=False).answer == "seven"
    assert answer("", tagged=False).answer is None
    assert answer("seven").answer is None


def colors(image: Image.Image) -> set[str]:
    pixels = np.unique(np.asarray(image).reshape(-1, 3), axis=0)
    return {"#" + bytes(pixel).hex() for pixel in pixels}


def test_the_picture_has_each_box_in_its_colour_on_the_image_and_in_the_text():
    picture = answer().picture()
    assert picture.mode == "RGB"
    left, right = (picture.crop((a, 0, b, picture.height)) for a, b in ((0, 510), (520, 1156)))
    for half in (left, right):
        assert {PALETTE[0], PALETTE[1]} <= colors(half)
        assert PALETTE[2] not in colors(half)
    assert not set(PALETTE) & colors(answer("no box <answer> two").picture())
    again = Image.open(io.BytesIO(answer().png()))
    assert np.array_equal(np.asarray(again), np.asarray(picture))


def test_a_picture_grows_with_its_text_and_takes_any():
    short, long = answer("word " * 10).picture(), answer("word " * 2000).picture()
    assert long.height > 3 * short.height
    assert long.width == short.width
    for text in ("", "x" * 5000, "\x1b[31m\x00\u202e", "[1, 2, 3, 4]" * 300, "\n\n \n", "中文 🙂"):
        assert answer(text).picture().width == short.width
