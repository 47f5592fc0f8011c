from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_runs import drawn_rows, results_of

from grit.evaluation.predictions import ScoredPrediction
from grit.pages.untrained import before_of
from grit.runs.finished import FinishedRun
from grit.runs.results import write_predictions, write_results

MODEL = {"name": "tiny_qwen", "path": "tiny:qwen"}
SUFFIX = {"suffix": True, "example": False, "tagged_answer": True}


@pytest.fixture
def written(tmp_path: Path):
    """Write a run that did not evaluate before training."""

    def write(
        name: str,
        method: str,
        rows: dict[str, list[ScoredPrediction]],
        *,
        prompt: dict[str, bool] = SUFFIX,
        **config: Any,
    ) -> FinishedRun:
        folder = tmp_path / name
        judge = config.pop("judge", "rules")
        write_predictions(folder / "predictions.jsonl", rows)
        write_results(folder / "results.json", results_of(rows, method=method, judge=judge))
        config = {"model": MODEL, "method": {"name": method} | prompt} | config
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        return FinishedRun.read(folder)

    return write


def test_an_untrained_run_of_the_same_model_and_prompt_is_the_state_before(written) -> None:
    trained = written("grit", "grit", drawn_rows())
    others = [
        written("direct", "direct", drawn_rows([0]), prompt=SUFFIX | {"suffix": False}),
        written("icl", "icl", drawn_rows([1]), prompt=SUFFIX | {"example": True}),
        written("other", "cot", drawn_rows([2]), model=MODEL | {"path": "another"}),
        written("judged", "cot", drawn_rows([2]), judge="openai"),
        written("short", "cot", drawn_rows([2]), evaluation={"max_new_tokens": 8}),
        written("sft", "sft", drawn_rows([2])),
        written("cot", "cot", drawn_rows([3])),
    ]
    rows, source = before_of(trained, [trained, *others])
    assert source is others[-1]
    assert [row.acc for row in rows["vsr"]] == [1.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    assert before_of(others[-1], others) == ({}, None)  # nothing was before it
    assert before_of(trained, others[:-1]) == ({}, None)


def test_other_questions_are_not_compared(written) -> None:
    trained = written("grit", "grit", drawn_rows())
    fewer = {"vsr": drawn_rows()["vsr"][:-1]}
    assert before_of(trained, [written("cot", "cot", fewer)]) == ({}, None)


def test_a_run_s_own_evaluation_before_training_counts_first(written) -> None:
    trained = written("grit", "grit", drawn_rows())
    write_predictions(trained.folder / "predictions.before.jsonl", drawn_rows(range(6)))
    rows, source = before_of(trained, [written("cot", "cot", drawn_rows())])
    assert source is None
    assert {row.acc for row in rows["vsr"]} == {0.0}
