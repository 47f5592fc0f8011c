"""Boxes and the names beside them, on a scene that is made by hand."""

import json
from pathlib import Path

import pytest

from grit.data.samples import Sample
from grit.data.shapes.grounds import Ground
from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.scenes import Scene
from grit.data.shapes.source import ShapesSource
from grit.data.shapes.things import Thing
from grit.evaluation.metrics import estimates
from grit.evaluation.named_boxes import named_boxes
from grit.evaluation.predictions import Prediction, read_predictions
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.judge.rules import RulesJudge

GROUND = ShapesSource("vsr", "test", 1)[0].picture.ground
SCENE = Scene(
    100,
    100,
    GROUND,
    (
        Thing("circle", "red", "large", (10, 10, 30, 30)),
        Thing("square", "red", "large", (50, 10, 70, 30)),
        Thing("circle", "blue", "large", (10, 60, 30, 80)),
    ),
)
RED_CIRCLE, RED_SQUARE, NOTHING = "[10, 10, 30, 30]", "[50, 10, 70, 30]", "[80, 80, 95, 95]"


def test_the_scene_is_made_as_others_are() -> None:
    assert isinstance(GROUND, Ground)


@pytest.mark.parametrize(
    ("completion", "share"),
    [
        (f"red circle {RED_CIRCLE}", 1.0),
        (f"the blue circle {RED_CIRCLE}", 0.0),
        (f"red square {RED_CIRCLE}", 0.0),
        (f"circle {RED_CIRCLE}, red thing {RED_SQUARE}, object {RED_SQUARE}, red {RED_CIRCLE}", 1),
        (f"red things: {RED_CIRCLE}, {RED_SQUARE}, {NOTHING}", 2 / 3),
        (f"red circles {RED_CIRCLE} {RED_SQUARE}", 0.5),
        ("red circle [10, 10, 30, 21]", 1.0),  # IoU 0.55
        ("red circle [10, 10, 30, 19]", 0.0),  # 0.45: it shows nothing
        ("red circle [10, 10, 10, 30]", 0.0),  # no area
        ("red circle [30, 30, 10, 10]", 1.0),  # corners in reversed order
        (f'{{"bbox_2d": {RED_CIRCLE}, "label": "red circle"}}', 1.0),
        (f"<ref>red circle</ref><box>[{RED_CIRCLE}]</box>", 1.0),
        (f"dog {RED_CIRCLE}, red square {RED_SQUARE}", 1.0),  # the first has no known label
        (f"red circle {RED_CIRCLE} <answer> blue circle {RED_CIRCLE}", 1.0),  # no part of the chain
        (f"<think>red circle {RED_CIRCLE}</think><rethink>red square {RED_CIRCLE}", 0.5),
        (RED_CIRCLE, None),
        ("red circle", None),
        ("", None),
    ],
)
def test_boxes_show_what_the_words_beside_them_name(completion: str, share: float | None) -> None:
    assert named_boxes(completion, SCENE.space, SCENE) == (share and pytest.approx(share))


def test_boxes_are_compared_in_pixels_of_the_scene() -> None:
    said = "red circle [100, 100, 300, 300]"
    assert named_boxes(said, NORMALIZED_1000, SCENE) == 1.0
    assert named_boxes(said, Space("resized", 1000, 1000), SCENE) == 1.0
    assert named_boxes(said, SCENE.space, SCENE) == 0.0


@pytest.mark.parametrize("kind", ["vsr", "tallyqa", "gqa"])
def test_ideal_traces_name_all_their_boxes(kind: str) -> None:
    for sample in ShapesSource(kind, "test", 12):
        found = named_boxes(ideal_trace(sample, sample.space), sample.space, sample.picture)
        assert found in (1.0, None)


def test_a_run_keeps_the_share_of_each_row(tmp_path: Path) -> None:
    class Photograph:
        key = "photograph"

    def sample(id_: str, picture: object) -> Sample:
        return Sample(id_, "?", "yes", "vsr", picture, SCENE.space)

    said = f"red circle {RED_CIRCLE}, red circle {RED_SQUARE} <answer> yes"
    drawn = Prediction.of(sample("1", SCENE), said, set="vsr", row=0, box_space=SCENE.space)
    photograph = Prediction.of(
        sample("2", Photograph()), said, set="vsr", row=1, box_space=SCENE.space
    )
    assert (drawn.named_boxes, photograph.named_boxes) == (0.5, None)
    rows = score_predictions([drawn, photograph], RulesJudge(), tagged_answers=True)
    assert estimates(rows)["named_boxes"][::3] == (0.5, 1)
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(json.dumps(row.to_row()) + "\n" for row in rows))
    assert read_predictions(path) == [drawn, photograph]
    others = [row.to_row() | {"answer": "yes", "truth": None} for row in rows]
    path.write_text(
        "".join(json.dumps({k: v for k, v in row.items() if k != "truth"}) + "\n" for row in others)
    )
    assert [one.named_boxes for one in read_predictions(path)] == [None, None]  # nobody else's
