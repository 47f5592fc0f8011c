"""Folders of finished runs, made without a model: ideal traces, some of them spoilt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from grit.data.shapes.ideal_traces import ideal_trace, tagged_trace
from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.judge.rules import RulesJudge
from grit.pages.run_page import Measured
from grit.runs.results import Results, set_result, write_predictions, write_results

ROWS = 6


def drawn_rows(wrong: Sequence[int] = ()) -> dict[str, list[ScoredPrediction]]:
    """Ideal traces about spatial relations; those of ``wrong`` have a wrong answer and no box."""
    said = []
    for row, sample in enumerate(ShapesSource("vsr", "test", ROWS)):
        text = ideal_trace(sample, sample.space)
        if row in wrong:
            text = tagged_trace("nothing", "so be it", "a hippopotamus")
        said.append(Prediction.of(sample, text, set="vsr", row=row, box_space=sample.space))
    return {"vsr": score_predictions(said, RulesJudge(), tagged_answers=True)}


def results_of(rows: dict[str, list[ScoredPrediction]], **more: Any) -> Results:
    fields = {
        "method": "grit",
        "model": "tiny_qwen",
        "data": "shapes",
        "reward": "grpo_gr",
        "judge": "rules",
        "seed": 0,
        "config_hash": "0244dce09b91",
        "git": "8de5",
    }
    sets = {name: set_result(found) for name, found in rows.items()}
    return Results(**(fields | more), sets=sets)


def write_run(folder: Path, *, wrong: Sequence[int] = (1,), **more: Any) -> Measured:
    """Write a run's files and return what was measured after training."""
    after, before = drawn_rows(wrong), drawn_rows(range(ROWS))
    measured = Measured(results_of(after, **more), after)
    write_predictions(folder / "predictions.jsonl", after)
    write_results(folder / "results.json", measured.results)
    write_predictions(folder / "predictions.before.jsonl", before)
    write_results(folder / "results.before.json", results_of(before, **more))
    config = {
        "seed": measured.results.seed,
        "method": {"name": measured.results.method},
        "reward": {"terms": {"judge": {"weight": 1.0}, "bleu": {"weight": 0.1}}},
        "logger": {"tags": [str(folder)]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return measured
