"""Figures 4 and 5, from runs' folders to their files."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from chat_service import ChatService, fails
from finished_runs import write_run
from safetensors.torch import load_file

from grit.config.schema import FigureSettings
from grit.core.errors import GritError
from grit.data.settings import SuiteSettings
from grit.data.shapes import ShapesSource, ideal_trace
from grit.evaluation.predictions import Prediction
from grit.evaluation.scoring import score_predictions
from grit.judge.rules import RulesJudge
from grit.judge.settings import JudgeSettings
from grit.models.loading import load_base
from grit.rollout.settings import RolloutSettings
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job, Outcome
from grit.runs.results import Results, set_result, write_predictions, write_results
from grit.studies.attending_runs import Attending
from grit.studies.correlated_runs import Correlating
from grit.studies.measuring import measure_jobs
from grit.studies.settings import (
    AttentionSettings,
    CorrelationSettings,
    FaithfulnessSettings,
)
from grit.studies.studied_runs import distinct, name_of

Command = Callable[..., object]
QUICK = ("experiment=smoke", "evaluation.before_training=false", "evaluation.after_training=false")
SETTINGS = ("correlation.chains=2", "attention.samples=2", "attention.tokens=3")


def speak(folder: Path) -> None:
    """Put into a run's folder what a perfect model would have said."""
    sets = {}
    for name in ("vsr", "gqa"):
        said = [
            Prediction.of(s, ideal_trace(s, s.space), set=name, row=row, box_space=s.space)
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
    means = {bar["method"]: bar["random"]["mean"] for bar in found["bars"]}
    assert means == {"written": 1.0, "grit": None, "sft": 1.0, "icl": None}
    assert found["runs"][0]["folder"] == str(trained)
    assert (found["runs"][0]["judged"], found["judge"]) == (4, "rules")
    written = {path.suffix for path in Path("four").glob("figure4.*")}
    assert written == {".json", ".md", ".tex", ".csv", ".html", ".svg", ".png"}
    ended = command("task=tables", "runs=four", "exhibits=[figure4]", "hydra.run.dir=again")
    assert ended.code == 0, ended.err
    for path in Path("again").glob("figure4.*"):
        assert path.read_bytes() == Path("four", path.name).read_bytes()


def test_figure_4_says_when_its_judge_answers_no_more(
    command: Command, trained: Path, chat: ChatService
) -> None:
    chat.default = fails(429, "insufficient_quota", "You exceeded your current quota")
    judge = ("judge=openai", f"judge.base_url={chat.url}/v1", "judge.cache=null")
    ended = command("task=correlation", f"runs={trained}", *SETTINGS, *judge, "hydra.run.dir=four")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("grit: the judge gave up: ")
    assert "quota" in line
    assert Path("four/figure4.md").is_file()  # with what was found, and that it failed


def test_figure_5_looks_into_the_trained_model(command: Command, trained: Path) -> None:
    ended = command("task=attention", f"runs={trained}", *SETTINGS, "hydra.run.dir=five")
    assert ended.code == 0, ended.err
    found = json.loads(Path("five/figure5.json").read_text())
    (run,) = found["runs"]
    assert (run["samples"], run["method"], found["set"]) == (2, "sft", "gqa")
    assert run["curves"]["boxes"]["n"] == [2, 2, 2]
    named = dict(FinishedRun.with_predictions(trained).adapter().model.named_parameters())
    weights = named["model.language_model.layers.0.self_attn.q_proj.weight"]
    saved = load_file(trained / "model" / "model.safetensors").values()
    base = load_base("tiny:qwen").model.state_dict().values()
    assert any(torch.equal(weights, other) for other in saved if other.shape == weights.shape)
    assert not any(torch.equal(weights, other) for other in base if other.shape == weights.shape)


def changed(run: FinishedRun, name: str, fields: dict[str, Any]) -> FinishedRun:
    """A copy of a run's files, ``fields`` of its configuration changed."""
    folder = run.folder.with_name(name)
    folder.mkdir()
    for file in ("run.json", "predictions.jsonl"):
        shutil.copy(run.folder / file, folder)
    config = yaml.safe_load((run.folder / "config.yaml").read_text())
    for key, value in fields.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return FinishedRun.with_predictions(folder)


def test_a_run_counts_once_and_a_method_without_training_has_one_seed(trained: Path) -> None:
    run = FinishedRun.with_predictions(trained)
    other = changed(run, "other", {"seed": 1})
    assert distinct([run, run, other]) == [run, other]
    untrained = {"method": run.config["method"] | {"training": "none"}}
    same = changed(run, "untrained", untrained)
    assert distinct([same, changed(other, "with a seed", untrained)]) == [same]
    rewarded = untrained | {"reward": run.config["reward"] | {"counting_datasets": ["other"]}}
    assert distinct([same, changed(run, "with another reward", rewarded)]) == [same]
    assert name_of(run).config_hash == json.loads((trained / "run.json").read_text())["config_hash"]


def test_runs_of_the_same_names_say_what_sets_them_apart(trained: Path) -> None:
    run = FinishedRun.with_predictions(trained)
    steps = run.settings.trainer.max_steps
    found = distinct([run, changed(run, "longer", {"trainer": {"max_steps": 9}})])
    assert [name_of(one).differs for one in found] == [
        f"trainer.max_steps={steps}",
        "trainer.max_steps=9",
    ]
    elsewhere = changed(run, "elsewhere", {"model": {"name": "another"}})
    assert [name_of(one).differs for one in distinct([run, elsewhere])] == ["", ""]


def test_other_code_and_other_questions_are_other_runs(trained: Path) -> None:
    run = FinishedRun.with_predictions(trained)
    fields = ("sft", "tiny_qwen", "shapes", "grpo_gr", "rules", 0, run.results.config_hash)

    def made(code: str, questions: str) -> FinishedRun:
        sets = {"vsr": replace(set_result([]), questions=questions)}
        results = Results(*fields, sets=sets, code=code, triplets_hash="t")
        write_results(trained / "results.json", results)
        return FinishedRun.with_predictions(trained)

    runs = [made("c", "q"), made("d", "q"), made("c", "r")]
    assert distinct([*runs, runs[1]]) == runs
    assert len({(name_of(one).code, name_of(one).questions) for one in runs}) == 3
    assert name_of(runs[0], ["gqa"]) == name_of(runs[2], ["gqa"])  # both were not asked it
    assert {name_of(one).triplets for one in runs} == {"t"}


def test_a_run_that_is_scored_again_is_named_by_what_made_it_and_has_no_model(
    command: Command, tmp_path: Path
) -> None:
    made = {"model": "tiny_internvl", "data": "shapes_500", "reward": "union_iou"}
    trained = made | {"suite": "shapes", "settings_hash": "s", "triplets_hash": "t", "data_seed": 2}
    runs = []
    for seed in (3, 4):
        write_run(tmp_path / "one", seed=seed, **trained)
        scoring = ("task=evaluate", "predictions=one/predictions.jsonl")
        assert command(*scoring, f"hydra.run.dir=again{seed}").code == 0
        runs.append(FinishedRun.with_predictions(tmp_path / f"again{seed}"))
    names = [name_of(run) for run in runs]
    assert [(name.seed, name.data_seed) for name in names] == [(3, 2), (4, 2)]
    assert made.items() <= names[0].of_group().items()
    assert names[0].of_group() == names[1].of_group()
    assert distinct(runs) == runs
    ended = command("task=attention", "runs=[again3]")
    assert ended.code == 1
    assert "again3 has predictions made elsewhere, and no model" in ended.err


def job(run: str, outcome: Outcome = Outcome.done, **fields: Any) -> Job:
    made = {"model": "tiny_qwen", "data": "shapes", "method": "sft", "seed": 0}
    return Job(run, outcome, suite="shapes", reward="grpo_gr", **made | fields)


def settings(**changed: int) -> FigureSettings:
    """How figures are measured, as an experiment's command line has it."""
    return FigureSettings(
        seed=0,
        exhibits=["figure4", "figure5"],
        judge=JudgeSettings(name="rules"),
        suite=SuiteSettings(name="mine", root="."),
        rollout=RolloutSettings(),
        correlation=CorrelationSettings(chains=changed.get("chains", 2)),
        attention=AttentionSettings(samples=changed.get("samples", 2), tokens=3),
        faithfulness=FaithfulnessSettings(questions=2, draws=2),
    )


def test_an_experiments_figures_are_measured_as_its_command_line_says(
    trained: Path, tmp_path: Path
) -> None:
    stored = FinishedRun.with_predictions(trained).settings
    assert (stored.correlation.chains, stored.attention.samples) == (2, 2)
    config = settings(chains=1, samples=1)
    list(measure_jobs(Correlating, config, tmp_path, [job("sft")], tmp_path / "out"))
    list(measure_jobs(Attending, config, tmp_path, [job("sft")], tmp_path / "out"))
    four, five = (
        json.loads((tmp_path / "out" / f"figure{number}.json").read_text()) for number in (4, 5)
    )
    assert (four["chains_per_set"], four["runs"][0]["judged"]) == (1, 2)
    assert (five["samples"], five["runs"][0]["samples"]) == (1, 1)


def test_an_experiments_figures_mark_what_has_no_run(trained: Path, tmp_path: Path) -> None:
    jobs = [
        job("sft"),
        job("sft", Outcome.failed, seed=1, error="no memory"),  # its folder is another's by now
        job("refused", Outcome.failed, method="grit", error="no memory"),
        job("nothing", model="tiny_internvl", method="grit"),
    ]
    for number, kind in ((4, Correlating), (5, Attending)):
        for _ in measure_jobs(kind, settings(), tmp_path, jobs, tmp_path / "out"):
            pass
        found = json.loads((tmp_path / "out" / f"figure{number}.json").read_text())
        assert [run["folder"] for run in found["unfinished"]] == ["refused", "nothing"]
        assert found["unfinished"][0]["reason"] == "no memory"
        assert "config.yaml is missing" in found["unfinished"][1]["reason"]
        page = (tmp_path / "out" / f"figure{number}.md").read_text()
        assert sum("| GRIT | missing |" in line for line in page.splitlines()) >= 2
        assert "GRIT, data=shapes, seed 0: no part of the figure: no memory" in page


def test_figures_of_which_nothing_is_there_replace_old_ones(tmp_path: Path) -> None:
    for kind, name in ((Correlating, "figure4"), (Attending, "figure5")):
        page = tmp_path / f"{name}.md"
        page.write_text("as if it were complete")
        jobs = [job("refused", Outcome.failed, method="grit", error="no memory")]
        paths = list(measure_jobs(kind, settings(), tmp_path, jobs, tmp_path))
        assert page in paths
        assert "| GRIT | missing |" in page.read_text()


def test_runs_that_cannot_be_measured_are_an_error_after_the_figure(
    trained: Path, tmp_path: Path
) -> None:
    config = trained / "config.yaml"
    config.write_text(config.read_text().replace("split: test", "split: dev"))
    with pytest.raises(GritError, match="it is not the one that this run was asked"):
        list(measure_jobs(Correlating, settings(), tmp_path, [job("sft")], tmp_path / "out"))
    assert "| Few-shot fine-tuning | missing |" in (tmp_path / "out" / "figure4.md").read_text()


def test_a_gpu_that_is_full_costs_one_run_and_not_the_figure(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Correlating, run: FinishedRun) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Correlating, "measure", full)
    with pytest.raises(GritError, match="the GPU's memory is full"):
        list(measure_jobs(Correlating, settings(), tmp_path, [job("sft")], tmp_path / "out"))
    assert "| Few-shot fine-tuning | missing |" in (tmp_path / "out" / "figure4.md").read_text()


@pytest.mark.parametrize("field", ["question", "truth", "image"])
def test_a_question_that_was_changed_since_is_not_the_one_that_was_asked(
    trained: Path, field: str
) -> None:
    run = FinishedRun.with_predictions(trained)
    said = run.predictions[0]
    assert run.sample(said).id == said.id
    with pytest.raises(GritError, match="it is not the one that this run was asked"):
        run.sample(replace(said, **{field: "another"}))


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
    ended = command("task=correlation", f"runs=[{trained}]", "hydra.run.dir=four")
    assert ended.code == 1
    assert "it is not the one that this run was asked" in ended.err
    assert not Path("four/run.json").exists()  # which the corrected command would have to resume
