"""Validation during training: it changes nothing, keeps the best weights, and is resumed."""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chat_service import ChatService
from composing import config
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grit.core.errors import Interrupted, Resumable
from grit.data import suites
from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import Prediction
from grit.judge.judge import Judge, JudgeFailed, Query
from grit.judge.rules import RulesJudge
from grit.runs.validation import SHOWN, Validation
from grit.training.module import GRPOGR

Command = Callable[..., Any]
RUN = (
    *("trainer.max_steps=4", "training.prompts_per_step=4", "rollout.sampling.max_new_tokens=48"),
    *("suite.limit=1", "evaluation.before_training=false", "evaluation.after_training=false"),
    *("validation.limit=6", "logger=none", "trainer.progress_bar=false", "threads=1"),
)
VALIDATED = (*RUN, "evaluation.every=2")
SCORED = (*VALIDATED, "trainer.checkpoint_every=2")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def weights_of(folder: Path) -> dict[str, Any]:
    return {name: value.tolist() for name, value in load_file(folder / "model.safetensors").items()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for runs that several tests compare with, each made by the first of them."""
    return tmp_path_factory.mktemp("kept")


def once(command: Command, folder: Path, *run: str) -> Path:
    if not folder.exists():
        assert command(*run, f"hydra.run.dir={folder}").code == 0
    return folder


@pytest.fixture
def whole(command: Command, kept: Path) -> Path:
    """A run with validations from start to end."""
    return once(command, kept / "validated", *VALIDATED)


@pytest.fixture
def checkpointed(command: Command, kept: Path) -> Path:
    """The same with checkpoints between."""
    return once(command, kept / "scored", *SCORED)


def test_training_is_the_same_with_validation(
    tmp_path: Path, command: Command, whole: Path
) -> None:
    assert command(*RUN, "hydra.run.dir=plain").code == 0
    plain, validated = tmp_path / "plain" / "model", whole / "model"
    assert weights_of(plain) == weights_of(validated)
    rows = rows_of(whole / "validation.jsonl")
    assert [row["step"] for row in rows] == [2, 4]
    assert {"vsr/acc", "vsr/giou", "tallyqa/acc", "tallyqa/format_rate", "score"} <= set(rows[0])
    assert rows[0]["score"] == (rows[0]["vsr/acc"] + rows[0]["tallyqa/acc"]) / 2
    best = weights_of(validated / "best")
    is_last = rows[1]["score"] > rows[0]["score"]  # of equal ones the first, as patience counts
    assert (best == weights_of(validated)) == is_last
    assert not (whole / "best").exists()
    assert not (plain / "best").exists()


def test_a_stopped_run_goes_on_with_its_validations(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    step = GRPOGR.training_step

    def stops(self: GRPOGR, batch: Any, batch_idx: int) -> None:
        if batch_idx == 3:
            raise Resumable("the step was stopped by the test")
        step(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(GRPOGR, "training_step", stops)
        assert command(*VALIDATED, "hydra.run.dir=stopped").code == 1
    assert len(rows_of(tmp_path / "stopped" / "validation.jsonl")) == 1
    assert command(*VALIDATED, "hydra.run.dir=stopped", "resume=true").code == 0
    stopped = tmp_path / "stopped"
    assert rows_of(whole / "validation.jsonl") == rows_of(stopped / "validation.jsonl")
    assert weights_of(whole / "model" / "best") == weights_of(stopped / "model" / "best")


def test_dev_scenes_are_not_trained_on(tmp_path: Path, command: Command) -> None:
    trained = "+data.sources.vsr.split=dev"
    ended = command(*VALIDATED, trained, "data.seed=0", "hydra.run.dir=shared")
    assert ended.code == 1
    assert "is the training scene" in ended.err
    ended = command(*VALIDATED, "validation.sets.vsr.split=train", "hydra.run.dir=split")
    assert ended.code == 1
    assert "validation.sets.vsr is drawn from the scenes to train on" in ended.err


@pytest.mark.parametrize(
    ("scores", "patience", "stalled"),
    [
        ((1, 2, 3), 1, False),
        ((1, 3, 2), 1, True),
        ((1, 3, 2), 2, False),
        ((1, 3, 2, 2), 2, True),
        ((3, 2, 3), 2, True),  # as good is no better
        ((3, 3), 2, False),
        ((3, 3, 3), 2, True),
        ((3, 3, 4), 2, False),
        ((3, 2, 1), None, False),
    ],
)
def test_patience_counts_validations_since_the_best(
    scores: tuple[float, ...], patience: int | None, stalled: bool, tmp_path: Path
) -> None:
    said = "null" if patience is None else patience
    found = config("evaluation.every=5", f"evaluation.patience={said}")
    one = Validation(found, None, [], RulesJudge(), tmp_path)
    history = [{"step": 5 * i, "score": float(score)} for i, score in enumerate(scores, 1)]
    one.load_state_dict({"history": history})
    assert one._has_stalled() is stalled
    assert one.state_dict() == {"history": history}


def interrupted(*_: Any, **__: Any) -> None:
    raise Interrupted("the evaluation was stopped by the test")


def test_a_run_that_is_stopped_in_its_last_evaluation_keeps_its_best_weights(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = "evaluation.after_training=true"
    with monkeypatch.context() as patched:
        patched.setattr("grit.tasks.train.evaluate_model", interrupted)
        assert command(*SCORED, after, "hydra.run.dir=run").code == 1
    best = weights_of(tmp_path / "run" / "model" / "best")
    assert command(*SCORED, after, "hydra.run.dir=run", "resume=true").code == 0
    assert weights_of(tmp_path / "run" / "model" / "best") == best


def test_a_run_that_had_stopped_improving_trains_no_further_when_it_is_resumed(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    falling = ("evaluation.every=1", "evaluation.patience=1", "trainer.checkpoint_every=100")
    run = (*RUN, *falling, "evaluation.after_training=true", "hydra.run.dir=run")
    scores = iter([3.0, 2.0, 9.0, 9.0])
    monkeypatch.setattr(Validation, "_scores", lambda *_: {"score": next(scores)})
    with monkeypatch.context() as patched:
        patched.setattr("grit.tasks.train.evaluate_model", interrupted)
        assert command(*run).code == 1
    assert len(rows_of(tmp_path / "run" / "metrics.jsonl")) == 2
    assert command(*run, "resume=true").code == 0
    assert len(rows_of(tmp_path / "run" / "metrics.jsonl")) == 2


@pytest.mark.parametrize(
    ("scored", "end", "stopped"),
    [((3, 2), 2, False), ((3, 2), 2, True), ((1, 2, 3, 4), 4, True)],
)
def test_a_dashboard_has_the_last_evaluation_at_the_step_that_training_ended_at(
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    scored: tuple[int, ...],
    end: int,
    stopped: bool,
) -> None:
    """Also where it goes on with that evaluation alone."""
    falling = ("evaluation.every=1", "evaluation.patience=1", "trainer.checkpoint_every=1")
    last = "evaluation.after_training=true", "logger=tensorboard", "logger.rows=1"
    run = (*RUN, *falling, *last, "hydra.run.dir=run")
    scores = iter(scored)
    monkeypatch.setattr(Validation, "_scores", lambda *_: {"score": next(scores)})
    if stopped:
        with monkeypatch.context() as patched:
            patched.setattr("grit.tasks.train.evaluate_model", interrupted)
            assert command(*run).code == 1
    assert command(*run, "resume=true").code == 0
    log = EventAccumulator(str(tmp_path / "run" / "tensorboard"), {"scalars": 0}).Reload()
    assert [event.step for event in log.Scalars("eval/mean/acc")] == [end]
    assert [event.step for event in log.Scalars("train/loss")] == list(range(end))


@pytest.mark.parametrize("failing", [2, 4])
def test_a_validation_that_the_judge_fails_in_is_made_up_for(
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    checkpointed: Path,
    failing: int,
) -> None:
    """Also the one after the last step, where there is nothing left to train."""
    calls = iter(range(2, 100, 2))

    def fails(*_: Any) -> None:
        if next(calls) == failing:
            raise JudgeFailed("the judge was switched off by the test")

    with monkeypatch.context() as patched:
        patched.setattr("grit.runs.validation.check_failed", fails)
        ended = command(*SCORED, "hydra.run.dir=stopped")
    assert ended.code == 1
    assert "the judge was switched off by the test; stopped after step" in ended.err
    assert f"after step {failing} of 4; go on with: " in ended.err
    assert command(*SCORED, "hydra.run.dir=stopped", "resume=true").code == 0
    stopped = tmp_path / "stopped"
    assert rows_of(checkpointed / "validation.jsonl") == rows_of(stopped / "validation.jsonl")
    assert weights_of(checkpointed / "model" / "best") == weights_of(stopped / "model" / "best")
    assert weights_of(checkpointed / "model") == weights_of(stopped / "model")


def test_what_a_judge_costs_in_validation_is_part_of_the_runs_use(
    tmp_path: Path, command: Command, chat: ChatService
) -> None:
    service = "judge=openai", f"judge.base_url={chat.url}/v1", "judge.cache=null"
    after = "evaluation.after_training=true", "judge.exact_match_first=false", "judge.prices=null"
    assert command(*VALIDATED, *service, *after, "hydra.run.dir=run").code == 0
    folder = tmp_path / "run"
    validated = sum(row["judge/calls"] for row in rows_of(folder / "validation.jsonl"))
    trained = sum(row["train/judge/calls"] for row in rows_of(folder / "metrics.jsonl"))
    used = json.loads((folder / "results.json").read_text())["judge_usage"]
    assert validated > 0
    assert used["calls"] >= validated + trained
    assert used["calls"] == len(chat.requests)
    assert used["cost"] is None  # of a judge without a price


def test_a_cost_that_is_not_known_is_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither loggers nor the reader of ``validation.jsonl`` take a null."""
    usage = {"model": "qwen3", "calls": 2, "cost": None}
    acc = SimpleNamespace(metrics={name: SimpleNamespace(mean=1.0) for name in SHOWN})
    results = SimpleNamespace(sets={"vsr": acc}, judge_usage=usage)
    measured = SimpleNamespace(results=results, rows={"vsr": []})
    monkeypatch.setattr("grit.runs.validation.measure", lambda *_: measured)
    monkeypatch.setattr("grit.runs.validation.check_failed", lambda *_: None)
    sets = [suites.TestSet("vsr", ShapesSource("vsr", "dev", 1))]
    one = Validation(config("evaluation.every=5"), None, sets, RulesJudge(), tmp_path)
    scores = one._scored({})
    assert scores["judge/calls"] == 2
    assert None not in scores.values()


class Outage(Judge):
    """The rules' judge, which fails on answers to some questions."""

    name = "outage"

    def __init__(self, *unheard: suites.TestSet) -> None:
        self.unheard = {sample.question for each in unheard for sample in each.samples}

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        scores = RulesJudge().score(queries)
        return [
            None if query.question in self.unheard else score
            for query, score in zip(queries, scores, strict=True)
        ]


def drawn(kind: str) -> suites.TestSet:
    return suites.TestSet(kind, list(ShapesSource(kind, "dev", 4)))


def scores_of(
    judge: Judge, folder: Path, *sets: suites.TestSet, silent: int = 0
) -> dict[str, float]:
    """Of ideal chains about each set, but for the first ``silent`` of it, which say nothing."""
    said = {
        each.name: [
            Prediction.of(
                sample,
                "" if row < silent else ideal_trace(sample, sample.space),
                set=each.name,
                row=row,
                box_space=sample.space,
            )
            for row, sample in enumerate(each.samples)
        ]
        for each in sets
    }
    one = Validation(config("evaluation.every=5"), None, sets, judge, folder)
    return one._scored(said)


def test_a_score_is_over_the_same_sets_in_each_validation(tmp_path: Path) -> None:
    """An outage would otherwise leave one that compares with none, and may be the best."""
    vsr, counts = drawn("vsr"), drawn("tallyqa")
    assert scores_of(RulesJudge(), tmp_path, vsr, counts)["score"] == 100
    for unheard, named in (([counts], "tallyqa"), ([vsr, counts], "vsr")):
        for silent in (0, 1):  # a chain without an answer scores 0, and the judge is not asked
            line = f"failed on all {4 - silent} answers of the dev set {named}"
            with pytest.raises(JudgeFailed, match=line):
                scores_of(Outage(*unheard), tmp_path, vsr, counts, silent=silent)
    assert scores_of(Outage(counts), tmp_path, vsr, counts, silent=4)["score"] == 0


def test_a_score_is_giou_where_all_answers_are_boxes(tmp_path: Path) -> None:
    boxes = drawn("ovd")
    found = scores_of(RulesJudge(), tmp_path, boxes)
    assert found["score"] == found["ovd/giou"] > 0.9
    mixed = scores_of(RulesJudge(), tmp_path, boxes, drawn("vsr"))
    assert mixed["score"] == mixed["vsr/acc"] == 100


@pytest.mark.parametrize("when", ["before", "during", "saving"])
def test_a_signal_does_not_wait_for_a_validation(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, whole: Path, when: str
) -> None:
    """It is made up for: the run then is what it would have been."""
    step = GRPOGR.training_step

    def told_in_a_step(self: GRPOGR, batch: Any, batch_idx: int) -> None:
        step(self, batch, batch_idx)
        if batch_idx == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    def told(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    begun, soon = time.monotonic(), "trainer.stop_within=0.5"
    with monkeypatch.context() as patched:
        if when == "before":
            patched.setattr(GRPOGR, "training_step", told_in_a_step)
        elif when == "during":
            patched.setattr(Validation, "_validate", told)
        else:  # the best weights
            patched.setattr("grit.runs.validation.save_trained", told)
        ended = command(*VALIDATED, soon, "hydra.run.dir=stopped")
    assert ended.code == 1
    assert time.monotonic() - begun < 55
    stopped = tmp_path / "stopped"
    assert [path.name for path in (stopped / "checkpoints").iterdir()] == ["step-000002.ckpt"]
    assert not (stopped / "validation.jsonl").exists()
    assert command(*VALIDATED, soon, "hydra.run.dir=stopped", "resume=true").code == 0
    assert rows_of(whole / "validation.jsonl") == rows_of(stopped / "validation.jsonl")
    assert weights_of(whole / "model" / "best") == weights_of(stopped / "model" / "best")
