"""Boxes of rows against their images: what is refused, and with which word."""

import json
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.data.jsonl import read_samples

ROW = {
    "question": "How many?",
    "answer": 2,
    "image": "a.png",
    "width": 500,
    "height": 375,
    "dataset": "tallyqa",
}


def read(tmp_path: Path, *boxes, **fields):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW | {"bboxs": list(boxes)} | fields) + "\n")
    return read_samples(path, tmp_path, name="x", require_images=False)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([10, 10, 700, 300], ["inside the image of 500 x 375", "thousandths"]),
        ([10, 10, 511, 300], ["inside"]),
        ([10, -20, 400, 300], ["inside", "[10, -20, 400, 300]"]),
        ([10, 10, 4000, 300], ["inside"]),
        ([300, 200, 50, 80], ["[x, y, width, height]", "x + width"]),
        ([300, 100, 350, 80], ["[x, y, width, height]"]),
        ([0.1, 0.2, 0.5, 0.9], ["normalised to 0-1"]),
        ([0, 0, 1, 1], ["normalised to 0-1"]),
    ],
)
def test_a_box_of_another_convention_is_refused_with_a_word_on_it(tmp_path, box, words):
    with pytest.raises(GritError, match=r'rows\.jsonl line 1: field "bboxs"') as raised:
        read(tmp_path, box)
    assert [word for word in words if word not in str(raised.value)] == []
    assert "\n" not in str(raised.value)


def test_a_few_pixels_beyond_are_counted_and_kept(tmp_path):
    found = read(tmp_path, [0, 0, 505, 370], [-2, 0, 100, 100], [1, 1, 500, 375])
    assert found.boxes_beyond == 2
    assert found.samples[0].boxes[0].corners == (0, 0, 505, 370)


def test_beyond_is_a_share_of_large_images(tmp_path):
    assert read(tmp_path, [0, 0, 4070, 100], width=4000).boxes_beyond == 1
    with pytest.raises(GritError):
        read(tmp_path, [0, 0, 4090, 100], width=4000)


def test_what_is_no_mistake(tmp_path):
    for boxes in ([], [[0, 0, 500, 375]], [[0.2, 0.3, 0.9, 200]], [[5, 5, 5, 5]]):
        assert read(tmp_path, *boxes).boxes_beyond == 0


@pytest.mark.parametrize(
    ("name", "beyond"),
    [
        *[("vsr", 0), ("tallyqa", 0), ("gqa", 5)],
        *[("mathvista_mini", 0), ("mme", 0), ("ovd_position", 0)],
    ],
)
def test_the_released_files_pass(grit_data, name, beyond):
    file = grit_data / f"{name}_val.jsonl"
    found = read_samples(file, grit_data / name, name=name, require_images=False)
    assert found.boxes_beyond == beyond
