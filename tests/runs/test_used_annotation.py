"""What training has made use of, told from its settings and its rows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from composing import config

from grit.data.shapes.source import ShapesSource
from grit.runs.used_annotation import annotation_of, annotation_of_weights

SAMPLES = list(ShapesSource("vsr", "train", 2))
BOXLESS = [replace(sample, boxes=None) for sample in SAMPLES]
OFF = "reward.terms.union_iou.weight=0"


@pytest.mark.parametrize(
    ("overrides", "samples", "said"),
    [
        ([], SAMPLES, "answers"),
        (["reward=released"], SAMPLES, "answers"),
        (["reward=vigorl"], SAMPLES, "answers"),  # it points, and sees no annotation
        (["reward=union_iou"], SAMPLES, "answers+boxes"),
        (["reward=union_iou"], [*BOXLESS, SAMPLES[0]], "answers+boxes"),
        (["reward=union_iou"], BOXLESS, "answers"),
        (["reward=union_iou", OFF], SAMPLES, "answers"),
        (["reward=union_iou"], [], None),
        (["training.objective.difficulty_weight=true"], SAMPLES, "answers+boxes"),
        (["training.objective.difficulty_weight=true"], BOXLESS, "answers"),
        (["method=sft"], SAMPLES, "answers+boxes"),
        (["method=sft"], BOXLESS, "answers"),
        (["method=cot"], SAMPLES, None),
    ],
)
def test_of_a_run(overrides, samples, said):
    assert annotation_of(config(*overrides), samples) == said


def test_of_weights_in_a_runs_folder(tmp_path: Path) -> None:
    record = {"config_hash": "a", "started": "b", "annotation": "answers+boxes"}
    places = [tmp_path / name for name in ("model", "checkpoints/step-2.ckpt", ".")]
    assert [annotation_of_weights(place) for place in places] == [None] * 3
    (tmp_path / "run.json").write_text(json.dumps(record))
    assert [annotation_of_weights(place) for place in places] == ["answers+boxes"] * 3
    (tmp_path / "model").mkdir()
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path / "model")
    assert annotation_of_weights(link) == "answers+boxes"
    (tmp_path / "run.json").write_text(json.dumps({"config_hash": "a", "started": "b"}))
    assert annotation_of_weights(places[0]) is None
    (tmp_path / "run.json").write_text("{")
    assert annotation_of_weights(places[0]) is None
