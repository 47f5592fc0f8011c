"""Figures 4 and 5, from runs' folders to their files."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from grit.data.shapes import ShapesSource, ideal_trace
from grit.errors import GritError
from grit.evaluation.predictions import Prediction
from grit.evaluation.scoring import score_predictions
from grit.judge.rules import RulesJudge
from grit.models.loading import load_base
from grit.reporting.results import write_predictions
from grit.schema import Training
from grit.tasks import attention, correlation
from grit.tasks.finished import distinct, finished_run

Command = Callable[..., object]
QUICK = ("experiment=smoke", "evaluation.before_training=false", "evaluation.after_training=false")
SETTINGS = ("correlation.chains=2", "attention.samples=2", "attention.tokens=3")


def speak(folder: Path) -> None:
    """Put into a run's folder what a perfect model would have said."""
    sets = {}
    for name in ("vsr", "gqa"):
        said = [
            Prediction.of(s, ideal_trace(s, s.space), set=name, row=row, spoken=s.space)
            for row, s in enumerate(ShapesSource(name, "test", 2))
        ]
        sets[name] = score_predictions(said, RulesJudge(), tagged_answers=True)
    write_predictions(folder / "predictions.jsonl", sets)


@pytest.fixture
def trained(command: Command, tmp_path: Path) -> Path:
    """A run of two steps that speaks like a perfect one."""
    ended = command("method=sft", *QUICK, *SETTINGS, "hydra.run.dir=sft")
    assert ended.code == 0, ended.err
    speak(tmp_path / "sft")
    return tmp_path / "sft"


def test_figure_4_comes_from_the_runs_own_chains(command: Command, trained: Path) -> None:
    ended = command("task=correlation", f"runs=[{trained}]", *SETTINGS, "hydra.run.dir=four")
    assert ended.code == 0, ended.err
    found = json.loads(Path("four/figure4.json").read_text())
    assert [bar["method"] for bar in found["bars"]] == ["written", "sft"]
    assert found["bars"][1]["random"]["mean"] == 1.0
    assert found["runs"][0]["folder"] == str(trained)
    assert (found["runs"][0]["judged"], found["judge"]) == (4, "rules")
    assert {path.name for path in Path("four").iterdir()} >= {"figure4.md", "figure4.svg"}


def test_figure_5_looks_into_the_trained_model(command: Command, trained: Path) -> None:
    ended = command("task=attention", f"runs={trained}", *SETTINGS, "hydra.run.dir=five")
    assert ended.code == 0, ended.err
    found = json.loads(Path("five/figure5.json").read_text())
    (run,) = found["runs"]
    assert (run["samples"], run["method"], found["set"]) == (2, "sft", "gqa")
    assert run["curves"]["boxes"]["n"] == [2, 2, 2]
    named = dict(finished_run(trained).adapter().model.named_parameters())
    weights = named["model.language_model.layers.0.self_attn.q_proj.weight"]
    saved = load_file(trained / "model" / "model.safetensors").values()
    base = load_base("tiny:qwen").model.state_dict().values()
    assert any(torch.equal(weights, other) for other in saved if other.shape == weights.shape)
    assert not any(torch.equal(weights, other) for other in base if other.shape == weights.shape)


def test_a_run_counts_once_and_a_method_without_training_has_one_seed(trained: Path) -> None:
    run = finished_run(trained)
    other = replace(run, config=replace(run.config, seed=1))
    assert distinct([run, run, other]) == [run, other]
    icl = replace(run.config.method, training=Training.none)
    untrained = [replace(one, config=replace(one.config, method=icl)) for one in (run, other)]
    assert distinct(untrained) == untrained[:1]
    assert run.name.config_hash == json.loads((trained / "run.json").read_text())["config_hash"]


def test_an_experiments_figures_name_the_runs_that_failed(trained: Path, tmp_path: Path) -> None:
    failed = tmp_path / "failed"
    failed.mkdir()
    correlation.build([failed, trained], tmp_path / "out")
    attention.build([trained, failed], tmp_path / "out")
    for name in ("figure4", "figure5"):
        found = json.loads((tmp_path / "out" / f"{name}.json").read_text())
        assert [run["folder"] for run in found["unfinished"]] == [str(failed)]
        assert "config.yaml is missing" in found["unfinished"][0]["reason"]
        assert len([run for run in found["runs"] if run["folder"]]) == 1
    with pytest.raises(GritError, match=r"config\.yaml is missing"):
        correlation.build([failed], tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("task=correlation",), "task=correlation needs runs="),
        (("task=train", "runs=[a]"), "runs is for task=tables, report, correlation, attention"),
        (("task=attention", "runs=[nowhere]"), "nowhere: config.yaml is missing"),
        (("task=correlation", "runs=[a]", "correlation.repeats=0"), "must be at least 1, not 0"),
    ],
)
def test_mistakes_end_in_one_line(command: Command, overrides: tuple, message: str) -> None:
    ended = command(*overrides)
    assert ended.code == 1
    assert message in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_a_set_without_chains_and_other_test_sets_are_mistakes(
    command: Command, trained: Path
) -> None:
    ended = command("task=attention", f"runs=[{trained}]", "attention.set=ovd")
    assert ended.code == 1
    assert "no completion of this set with a box before <rethink>" in ended.err
    config = trained / "config.yaml"
    config.write_text(config.read_text().replace("split: test", "split: dev"))
    ended = command("task=correlation", f"runs=[{trained}]")
    assert ended.code == 1
    assert "it is not the one that this run was asked" in ended.err
