import json
from pathlib import Path

import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.evaluation.predictions import Prediction, ScoredPrediction, read_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space

ORIGINAL = Space("original", 100, 50)
GOOD = {
    "question": "How many?",
    "answer": 2,
    "dataset": "tallyqa",
    "completion": "<answer>2",
    "bboxs": [[0, 0, 10, 10]],
    "width": 100,
    "height": 50,
}


def read(tmp_path: Path, *rows: dict) -> list[Prediction]:
    path = tmp_path / "said.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_predictions(path)


def scored(prediction: Prediction, **scores: object) -> ScoredPrediction:
    values = {
        "answer": "2",
        "boxes": (Box(1 / 3, 2, 3, 4, ORIGINAL),),
        "parts": {"answer": True},
        "acc": 1.0,
        "judge_failed": False,
        "exact_match": 1.0,
        "giou": 0.25,
        "format": 0.0,
    }
    return ScoredPrediction(prediction=prediction, **{**values, **scores})


def test_a_row_becomes_a_prediction(tmp_path: Path) -> None:
    (said,) = read(tmp_path, GOOD)
    assert (said.set, said.id, said.row, said.dataset) == ("tallyqa", "tallyqa/1", 0, "tallyqa")
    assert (said.question, said.truth, said.truth_is_box) == ("How many?", "2", False)
    assert said.completion == "<answer>2"
    assert said.box_space == said.space == ORIGINAL
    assert said.true_boxes == (Box(0, 0, 10, 10, ORIGINAL),)


@pytest.mark.parametrize(
    ("fields", "box_space"),
    [
        ({"box_space": "normalized_1000"}, NORMALIZED_1000),
        (
            {"box_space": "resized", "resized_width": 84, "resized_height": 56},
            Space("resized", 84, 56),
        ),
        ({"box_space": "original"}, ORIGINAL),
        ({"box_space": None}, ORIGINAL),
    ],
)
def test_completions_speak_the_space_they_say(
    tmp_path: Path, fields: dict, box_space: Space
) -> None:
    (said,) = read(tmp_path, {**GOOD, **fields})
    assert said.box_space == box_space
    assert said.space == ORIGINAL


def test_boxes_and_sizes_may_be_missing(tmp_path: Path) -> None:
    bare = {key: GOOD[key] for key in ("question", "answer", "dataset", "completion")}
    first, second = read(tmp_path, bare, {**bare, "bboxs": [], "dataset": "gqa"})
    assert (first.space, first.box_space, first.true_boxes) == (None, None, None)
    assert second.true_boxes == ()
    assert [first.set, second.set] == ["tallyqa", "gqa"]
    assert [first.row, second.row] == [0, 1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"completion": None}, "completion"),
        ({"answer": None}, "answer"),
        ({"question": 3}, "question"),
        ({"dataset": ""}, "dataset"),
        ({"image": 7}, "image"),
        ({"image": " "}, "image"),
        ({"width": None}, "width"),
        ({"height": None}, "height"),
        ({"width": None, "height": None}, "width"),
        ({"width": 0}, "width"),
        ({"bboxs": [[1, 2, 3]]}, "bboxs"),
        ({"box_space": "pixels"}, "box_space"),
        ({"box_space": "resized"}, "resized_width"),
        ({"box_space": "resized", "resized_width": 28}, "resized_height"),
    ],
)
def test_a_bad_row_names_line_and_field(tmp_path: Path, change: dict, field: str) -> None:
    with pytest.raises(GritError, match=rf'said\.jsonl line 2: field "{field}": expected'):
        read(tmp_path, GOOD, {**GOOD, **change})


def test_what_a_run_wrote_is_read_again(tmp_path: Path) -> None:
    class Plain:
        key = "plain"

        def load(self) -> Image.Image:
            raise AssertionError("nobody looks")

    sample = Sample(
        id="ovd/7",
        question="Where?",
        answer="[1, 2, 3, 4]",
        dataset="ovd_position",
        picture=Plain(),
        space=ORIGINAL,
        boxes=(Box(1, 2, 3, 4, ORIGINAL),),
        answer_is_box=True,
    )
    resized = Space("resized", 84, 56)
    first = Prediction.of(sample, "[1, 2, 3, 4]", set="ovd", row=0, box_space=resized)
    assert first.image == Plain.key
    assert (first.id, first.truth, first.truth_is_box) == ("ovd/7", "[1, 2, 3, 4]", True)
    assert "written" not in scored(first, acc=None).to_row()
    tagged = Prediction.of(
        *(sample, "[1, 2, 3, 4]"),
        set="ovd",
        row=0,
        box_space=resized,
        written="<box>[1, 2, 3, 4]</box>",
    )
    (of_tagged,) = read(tmp_path, scored(tagged, acc=None).to_row())
    assert of_tagged == tagged
    assert of_tagged.as_written == "<box>[1, 2, 3, 4]</box>"
    assert (first.written, first.as_written) == (None, "[1, 2, 3, 4]")
    second = read(tmp_path, {**GOOD, "box_space": "normalized_1000"})[0]
    rows = [scored(first, acc=None).to_row(), scored(second).to_row()]
    again = read(tmp_path, *rows)
    assert again[0] == first
    assert [again[1].set, again[1].truth, again[1].box_space] == ["tallyqa", "2", NORMALIZED_1000]
    assert again[1].completion == second.completion  # and not the answer that was parsed from it
    with pytest.raises(GritError, match=r"line 2: field .id.: expected a new one, found line 1's"):
        read(tmp_path, rows[0], rows[0])


def test_rows_may_name_the_picture_that_they_are_about(tmp_path: Path) -> None:
    named, unnamed = read(tmp_path, {**GOOD, "image": "a.jpg"}, {**GOOD, "image": None})
    assert (named.image, unnamed.image) == ("a.jpg", None)
    assert [row.image for row in read(tmp_path, scored(named).to_row())] == ["a.jpg"]
    old = {key: value for key, value in scored(unnamed).to_row().items() if key != "image"}
    assert read(tmp_path, old)[0].image is None


def test_a_row_of_predictions_jsonl_has_what_the_contract_names(tmp_path: Path) -> None:
    row = scored(read(tmp_path, GOOD)[0]).to_row()
    assert row["boxes"] == [[0.33, 2, 3, 4]]
    assert row["true_boxes"] == [[0.0, 0.0, 10.0, 10.0]]
    assert {"set", "id", "question", "truth", "completion", "answer", "dataset"} <= set(row)
    assert row["image"] is None
    assert {"acc", "exact_match", "giou", "format", "format_parts", "judge_failed"} <= set(row)
    assert (row["width"], row["height"], row["box_space"]) == (100, 50, "original")
    json.dumps(row, allow_nan=False)
