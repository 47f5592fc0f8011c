"""Faithfulness, from runs' folders to its files."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_service import ChatService, fails

from grit.config.schema import FigureSettings
from grit.core.errors import GritError
from grit.data.samples import Picture
from grit.data.settings import SuiteSettings
from grit.data.shapes import ShapesSource, ideal_trace
from grit.evaluation.predictions import Prediction
from grit.evaluation.scoring import score_predictions
from grit.judge.prompt import PAPER
from grit.judge.rules import RulesJudge
from grit.judge.settings import JudgeSettings, ServiceJudgeSettings
from grit.rollout.sampler import Sampler
from grit.rollout.settings import RolloutSettings
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job, Outcome
from grit.runs.results import write_predictions
from grit.studies import asking_again
from grit.studies.asking_again import Asking
from grit.studies.changed_pictures import CONDITIONS, changed_pictures
from grit.studies.faithful_runs import AskingAgain
from grit.studies.faithfulness_study import WAYS, Question, faithfulness
from grit.studies.kept_chains import answered_chain
from grit.studies.measuring import measure_jobs
from grit.studies.pixel_masks import MaskedPicture
from grit.studies.settings import AttentionSettings, CorrelationSettings, FaithfulnessSettings

Command = Callable[..., Any]
QUICK = (
    *("experiment=smoke", "trainer.max_steps=1", "rollout.sampling.max_new_tokens=80"),
    *("evaluation.before_training=false", "evaluation.after_training=false"),
)
SETTINGS = ("faithfulness.questions=2", "faithfulness.draws=2")


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
    """A run of one step that has spoken like a perfect one."""
    ended = command("method=sft", *QUICK, "hydra.run.dir=sft")
    assert ended.code == 0, ended.err
    speak(tmp_path / "sft")
    return tmp_path / "sft"


def settings() -> FigureSettings:
    """How the figure is measured, as an experiment's command line has it."""
    return FigureSettings(
        seed=0,
        exhibits=["faithfulness"],
        judge=JudgeSettings(name="rules"),
        suite=SuiteSettings(name="mine", root="."),
        rollout=RolloutSettings(),
        correlation=CorrelationSettings(),
        attention=AttentionSettings(),
        faithfulness=FaithfulnessSettings(questions=2, draws=2),
    )


def test_a_run_is_asked_again(command: Command, trained: Path) -> None:
    ended = command("task=faithfulness", f"runs={trained}", *SETTINGS, "hydra.run.dir=out")
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(Path("out/faithfulness.json").read_text())
    assert (record["judge"], record["mask"], record["draws"]) == ("rules", "grey", 2)
    (run,) = record["runs"]
    assert (run["folder"], run["method"], run["rows"], run["grounded"]) == (
        *(str(trained), "sft"),
        *(4, 4),
    )
    assert list(run["sets"]) == ["vsr", "gqa"]
    assert [found["n"] for found in run["sets"].values()] == [2, 2]
    for way in WAYS:
        row = run["overall"][way]
        assert [row[name]["n"] for name in ("answer_kept", "chain_boxes_masked")] == [4, 4]
        assert all(0 <= row[name]["mean"] <= 100 for name in CONDITIONS if row[name]["n"])
    written = {path.suffix for path in Path("out").glob("faithfulness.*")}
    assert written == {".json", ".md", ".tex", ".csv", ".html", ".svg", ".png"}
    ended = command("task=tables", "runs=out", "exhibits=[faithfulness]", "hydra.run.dir=again")
    assert ended.code == 0, ended.err
    for path in Path("again").glob("faithfulness.*"):
        assert path.read_bytes() == Path("out", path.name).read_bytes()


def test_numbers_do_not_depend_on_how_many_are_asked_at_a_time(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FinishedRun.with_predictions(trained)
    chains = [chain for each in run.predictions if (chain := answered_chain(each))]
    questions = [
        Question(
            said,
            changed_pictures(run.sample(said), boxes, FaithfulnessSettings(), 0, said.set, said.id),
        )
        for said, boxes in chains
    ]
    adapter = run.adapter()
    assert adapter.plain.config._attn_implementation == run.settings.model.attention != "eager"
    asked: list[tuple[Prediction, Picture]] = [
        pair
        for said, boxes in chains
        for pair in (
            (said, run.sample(said).picture),
            (said, MaskedPicture(run.sample(said).picture, boxes, "blur")),
        )
    ]
    found, said = [], []
    for at_a_time, tokens in ((64, 65536), (3, 200)):
        monkeypatch.setattr(asking_again, "PICTURES_AT_A_TIME", at_a_time)
        asking = Asking(run, adapter, Sampler(adapter, tokens))
        found.append(faithfulness(questions, asking, RulesJudge(), tagged_answers=True))
        said.append(asking(asked))
    assert found[0] == found[1]
    assert said[0] == said[1]
    assert said[0] == list(reversed(asking(asked[::-1])))
    for (prediction, _), answers in zip(asked, said[0], strict=True):
        chain = prediction.completion.partition("<rethink>")[0]
        assert answers["chain"] is not None
        assert answers["chain"].startswith(f"{chain}<rethink>")


def job(run: str, outcome: Outcome = Outcome.done, **fields: Any) -> Job:
    made = {"model": "tiny_qwen", "data": "shapes", "method": "sft", "seed": 0}
    return Job(run, outcome, suite="shapes", reward="grpo_gr", **made | fields)


def test_an_experiments_figure_marks_what_has_no_run_and_leaves_direct_out(
    trained: Path, tmp_path: Path
) -> None:
    jobs = [
        job("sft"),
        job("refused", Outcome.failed, method="grit", error="no memory"),
        job("direct", method="direct"),
    ]
    for _ in measure_jobs(AskingAgain, settings(), tmp_path, jobs, tmp_path / "out"):
        pass
    record = json.loads((tmp_path / "out" / "faithfulness.json").read_text())
    assert [run["method"] for run in record["runs"]] == ["sft"]
    assert [run["folder"] for run in record["unfinished"]] == ["refused"]
    page = (tmp_path / "out" / "faithfulness.md").read_text()
    assert "| GRIT | missing |" in page
    assert "seed 0: no part of the figure: no memory" in page


def test_a_run_that_cannot_be_measured_is_an_error_after_the_figure(
    trained: Path, tmp_path: Path
) -> None:
    for path in (trained / "model").glob("*.safetensors"):
        path.unlink()
    with pytest.raises(GritError, match=r"^faithfulness: "):
        list(measure_jobs(AskingAgain, settings(), tmp_path, [job("sft")], tmp_path / "out"))
    assert "| Few-shot fine-tuning | missing |" in (tmp_path / "out/faithfulness.md").read_text()


def test_the_record_tells_judges_apart_by_prompt_and_model(tmp_path: Path) -> None:
    paper = ServiceJudgeSettings(name="openai", model="gpt-4o", base_url="http://127.0.0.1:9")
    named = []
    for judge in (paper, replace(paper, prompt=f"Be strict. {PAPER}"), JudgeSettings(name="rules")):
        study = AskingAgain(replace(settings(), judge=judge), tmp_path)
        list(study.write((), ()))
        named.append(json.loads((tmp_path / "faithfulness.json").read_text())["judge"])
    assert (named[0], named[2]) == ("openai (gpt-4o)", "rules")
    assert re.fullmatch(r"openai, prompt [0-9a-f]{8} \(gpt-4o\)", named[1])


def test_a_judge_that_answers_no_more_says_so(
    command: Command, trained: Path, chat: ChatService
) -> None:
    chat.default = fails(429, "insufficient_quota", "You exceeded your current quota")
    judge = ("judge=openai", f"judge.base_url={chat.url}/v1", "judge.cache=null")
    ended = command("task=faithfulness", f"runs={trained}", *SETTINGS, *judge, "hydra.run.dir=out")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "quota" in line


def refused(command: Command, *overrides: str) -> str:
    """The one line with which a command ends."""
    ended = command("task=faithfulness", *SETTINGS, *overrides, "hydra.run.dir=out")
    assert ended.code == 1
    (line,) = ended.err.strip().splitlines()
    assert not Path("out/faithfulness.json").exists()
    return line


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "task=faithfulness needs runs="),
        (("runs=[nowhere]",), "nowhere: config.yaml is missing"),
        (("runs=[a]", "faithfulness.draws=0"), "must be at least 1, not 0"),
        (("runs=[a]", "faithfulness.mask=black"), "faithfulness.mask must be one of grey, blur"),
    ],
)
def test_mistakes_end_in_one_line(command: Command, overrides: tuple, message: str) -> None:
    assert message in refused(command, *overrides)


def test_what_a_run_lacks_is_said_in_one_line(command: Command, trained: Path) -> None:
    folder = f"runs={trained}"
    said = (trained / "predictions.jsonl").read_text(encoding="utf-8")

    rows = [json.loads(line) for line in said.splitlines()]
    for row in rows:
        row["completion"] = "<think> nothing </think> <rethink> so </rethink> <answer> yes"
    without = "".join(json.dumps(row) + "\n" for row in rows)
    (trained / "predictions.jsonl").write_text(without, encoding="utf-8")
    assert "no completion with an answer and a box in the chain" in refused(command, folder)

    (trained / "predictions.jsonl").write_text(said, encoding="utf-8")
    config = trained / "config.yaml"
    whole = config.read_text()
    config.write_text(whole.replace("split: test", "split: dev"))
    assert "it is not the one that this run was asked" in refused(command, folder)

    config.write_text(
        whole.replace("predictions: null", "predictions: a.jsonl").replace(
            "task: train", "task: evaluate"
        )
    )
    assert "predictions made elsewhere, and no model to ask again" in refused(command, folder)

    config.write_text(whole)
    shutil.rmtree(trained / "model")
    shutil.rmtree(trained / "checkpoints")
    assert str(trained) in refused(command, folder)

    (trained / "predictions.jsonl").unlink()
    assert "predictions.jsonl is missing" in refused(command, folder)
