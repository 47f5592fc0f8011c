"""Finished runs, written by the suite's own writers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.grounding.boxes import Box, Space
from grit.runs.results import Results, set_result, write_predictions, write_results

SPACE = Space("original", 100, 100)
BOXED = ("vsr", "tallyqa", "gqa", "ovd")
SETS = ("vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd")
Scores = Mapping[str, Sequence[float]]  # set -> the score of each of its questions


def row(name: str, place: int, score: float, question: str) -> ScoredPrediction:
    """A row whose ACC and GIoU are both ``score``."""
    boxes = (Box(0, 0, 10, 10, SPACE),) if name in BOXED else None
    said = Prediction(
        set=name,
        row=place,
        id=f"{name}/{place}",
        question=question,
        truth="[0, 0, 10, 10]" if name == "ovd" else "yes",
        truth_is_box=name == "ovd",
        dataset=name,
        completion="",
        space=SPACE,
        true_boxes=boxes,
    )
    return ScoredPrediction(
        prediction=said,
        answer="yes",
        boxes=(),
        parts={},
        acc=None if name == "ovd" else score,
        judge_failed=False,
        exact_match=score,
        giou=score if boxes else None,
        format=1.0,
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run's ``results.json`` and ``predictions.jsonl``; its folder."""

    def write(name: str, scores: Scores | None = None, **changed: Any) -> Path:
        question = changed.pop("question", "Is it?")  # None: results that do not say which
        found = {
            each: [row(each, place, score, question or "") for place, score in enumerate(values)]
            for each, values in (scores or dict.fromkeys(SETS, (1.0, 0.0))).items()
        }
        fields: dict[str, Any] = {
            "method": "grit",
            "model": "tiny_qwen",
            "data": "shapes",
            "reward": "grpo_gr",
            "judge": "rules",
            "suite": "shapes",
            "seed": 0,
            "config_hash": "0" * 12,
            "code": "c" * 12,
            "settings_hash": "same",
        }
        folder = tmp_path / "runs" / name
        write_predictions(folder / "predictions.jsonl", found)
        sets = {each: set_result(rows) for each, rows in found.items()}
        if question is None:
            sets = {each: replace(one, questions=None) for each, one in sets.items()}
        write_results(folder / "results.json", Results(**fields | changed, sets=sets))
        return folder

    return write
