"""Runs of the large models' configurations, by the command line, on folders like the Hub's.

Everything is the real thing but the width of the towers: bf16 weights with fp32 LoRA, gradient
checkpointing, the real vocabulary, processor and prompt.
"""

import json
from pathlib import Path

import pytest
from desk import Desk, results, rows, succeeded
from replicas import FAMILIES

pytestmark = pytest.mark.slow

CONFIG = {"qwen": "qwen2_5_vl_3b", "qwen3": "qwen3_vl_2b", "internvl": "internvl3_2b"}
SMALL = (
    *("experiment=smoke", "data=shapes", "suite=shapes", "suite.limit=1", "logger=none"),
    *("rollout.sampling.max_new_tokens=8", "trainer.checkpoint_every=1"),
    "model.lora.target_modules=[q_proj,v_proj]",
)
VARIETY = (
    "training.learning_rate=0.05",
    "+reward.terms.variety={call: mine.variety, weight: 1.0}",
)


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, replica) -> tuple[str, ...]:
    """The overrides that name a model."""
    return f"model={CONFIG[request.param]}", f"model.path={replica(request.param)}"


def named(model: tuple[str, ...]) -> str:
    return model[0].partition("=")[2]


@pytest.fixture(scope="module")
def straight(desk: Desk, model: tuple[str, ...]) -> Path:
    """Two steps of GRPO-GR with an evaluation before and after them."""
    run = f"hydra.run.dir=straight/{named(model)}"
    succeeded(desk.grit(*model, *SMALL, *VARIETY, run))
    return desk.folder / "straight" / named(model)


def test_a_step_of_grpo_gr_learns_and_is_evaluated(straight: Path) -> None:
    steps = rows(straight / "metrics.jsonl")
    assert len(steps) == 2
    assert all(step["train/grad_norm"] > 0 for step in steps)
    found = results(straight)
    assert [found["sets"][name]["n"] for name in found["sets"]] == [1] * 6
    before, after = (rows(straight / f"predictions{s}.jsonl") for s in (".before", ""))
    assert [row["completion"] for row in before] != [row["completion"] for row in after]
    record = json.loads((straight / "run.json").read_text(encoding="utf-8"))
    assert record["prompt"] == "processor"


def test_a_run_that_was_stopped_goes_on(desk: Desk, model, straight: Path) -> None:
    run = f"hydra.run.dir=stopped/{named(model)}"
    stopped = desk.grit(*model, *SMALL, *VARIETY, run, INTERRUPT="1")
    assert stopped.returncode == 1
    assert "resume=true" in stopped.stderr
    succeeded(desk.grit(*model, *SMALL, *VARIETY, run, "resume=true"))
    folder = desk.folder / "stopped" / named(model)
    timed = ("seconds/", "tokens_per_second", "completions_per_second")

    def steps(of: Path) -> list[dict[str, float]]:
        return [
            {k: v for k, v in row.items() if not k.removeprefix("train/").startswith(timed)}
            for row in rows(of / "metrics.jsonl")
        ]

    assert steps(folder) == steps(straight)
    adapter = "model/adapter_model.safetensors"
    assert (folder / adapter).read_bytes() == (straight / adapter).read_bytes()
    assert rows(folder / "predictions.jsonl") == rows(straight / "predictions.jsonl")


def test_what_was_trained_is_evaluated_alone(desk: Desk, model, straight: Path) -> None:
    run = f"hydra.run.dir=evaluated/{named(model)}"
    succeeded(desk.grit("task=evaluate", *model, *SMALL, f"checkpoint={straight}", run))
    folder = desk.folder / "evaluated" / named(model)
    assert rows(folder / "predictions.jsonl") == rows(straight / "predictions.jsonl")


def test_a_step_of_fine_tuning(desk: Desk, model) -> None:
    run = f"hydra.run.dir=tuned/{named(model)}"
    succeeded(desk.grit(*model, *SMALL, "method=sft", "training.sft.learning_rate=0.05", run))
    folder = desk.folder / "tuned" / named(model)
    losses = [row["train/loss"] for row in rows(folder / "metrics.jsonl")]
    assert losses[0] == pytest.approx(12, abs=0.3)  # random weights: log of 151,674 and more rows
    assert (folder / "model" / "adapter_model.safetensors").exists()
