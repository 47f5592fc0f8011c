"""Boxes of rows that are nobody's pixels, also where a box is the answer."""

import json
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.data.jsonl import read_samples
from grit.data.samples import Sample
from grit.data.taught_traces import taught_trace
from grit.grounding.boxes import NORMALIZED_1000, Space

ROW = {
    "question": "Where is the dog?",
    "image": "a.png",
    "width": 640,
    "height": 480,
    "dataset": "ovd_position",
}
WRONG = {
    "huge": ([1e308, 1e308, 1.5e308, 1.7e308], "inside the image of 640 x 480"),
    "hugely negative": ([-1e308, -1e308, 1e308, 1e308], "inside the image of 640 x 480"),
    "reversed": ([300, 200, 100, 100], "x1 <= x2"),
    "outside": ([10, 10, 2000, 60], "inside the image of 640 x 480"),
    "width and height": ([500, 400, 20, 30], "x, y, width, height"),
    "thousandths": ([500, 100, 900, 700], "thousandths"),
    "normalised": ([0.1, 0.2, 0.5, 0.6], "normalised to 0-1"),
}


def read(folder: Path, **fields) -> Sample:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(ROW | fields) + "\n", encoding="utf-8")
    return read_samples(path, folder, name="x", require_images=False).samples[0]


@pytest.mark.parametrize("field", ["answer", "bboxs"])
@pytest.mark.parametrize("case", WRONG)
def test_a_box_that_is_not_on_the_image(tmp_path, case, field):
    box, words = WRONG[case]
    fields = {"answer": box} if field == "answer" else {"answer": "dog", "bboxs": [box]}
    with pytest.raises(GritError) as raised:
        read(tmp_path, **fields)
    line = str(raised.value)
    assert line.startswith(f'{tmp_path / "rows.jsonl"} line 1: field "{field}"')
    assert words in line
    assert "\n" not in line
    assert len(line) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    "box", [[10, 20, 200, 300], [0.5, 0, 640, 480.0], [-3, 0, 640, 484], [5, 5, 5, 5]]
)
@pytest.mark.parametrize("hand", ["plain", "json", "internvl"])
@pytest.mark.parametrize("space", [NORMALIZED_1000, Space("resized", 504, 364)])
def test_a_box_on_the_image_is_an_answer_that_can_be_taught(tmp_path, box, hand, space):
    sample = read(tmp_path, answer=box)
    assert sample.answer == json.dumps(box)
    assert sample.answer_is_box
    assert "<answer> [" in taught_trace(sample, space, hand)
