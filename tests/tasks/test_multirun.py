"""A plain multirun of methods without training; what a run itself does is left out."""

import gc
import json
import os
import shlex
import signal
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import grit.__main__ as program
from grit.config.identity import config_hash
from grit.config.schema import Config
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.paper.evidence import evidence_of_sources
from grit.paper.table1 import table1
from grit.runs.folder import RunFolder
from grit.runs.results import Results, set_result, write_results

SWEEP = ("-m", "logger=none", "hydra.sweep.dir=sweep")
Command = Callable[..., Any]


class Runs:
    """What would have been run."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.judge_fails = False
        self.is_stopped = False
        self.told_in: int | None = None  # the seed of the job that gets a signal
        self.told_late = False  # after it has begun

    def perform(self, config: Config, folder: Path, overrides: list[str]) -> None:
        self.done.append((config.method.name, config.seed))
        if config.seed == self.told_in and not self.told_late:
            os.kill(os.getpid(), signal.SIGTERM)
        run = RunFolder.at(config, folder, overrides)
        run.begin(config)
        if config.seed == self.told_in:
            os.kill(os.getpid(), signal.SIGTERM)
        said = Prediction("vsr", 0, "vsr/0", "?", "yes", False, "vsr", "yes")
        row = ScoredPrediction(said, "yes", None, {}, 1.0, False, 1.0, None, 1.0)
        if self.judge_fails:
            row = replace(row, acc=None, judge_failed=True)
        parts = {part: getattr(config, part).name for part in ("method", "model", "data", "reward")}
        write_results(
            folder / "results.json",
            Results(
                **parts,
                judge="rules",
                suite="shapes",
                seed=config.seed,
                config_hash=config_hash(config),
                sets={"vsr": set_result([row])},
            ),
        )
        if not self.is_stopped:
            run.end()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(program, "perform", found.perform)
    return found


def test_a_multirun_that_is_stopped_before_a_job_begins_goes_on_with_that_job(
    runs: Runs, command: Command
) -> None:
    runs.told_in = 1
    ended = command(*SWEEP, "method=grit", "seed=0,1,2")
    message, _, resume_command = ended.err.strip().partition("; go on with: python -m grit ")
    assert (ended.code, message) == (1, "grit: job 1: interrupted by SIGTERM")
    assert runs.done == [("grit", 0), ("grit", 1)]
    runs.done, runs.told_in = [], None
    assert command(*shlex.split(resume_command)).code == 0
    assert runs.done == [("grit", 1), ("grit", 2)]


def test_under_torchrun_finished_jobs_are_not_done_again(
    runs: Runs, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes see the same folders: hydra.sweep.dir is given."""
    sweep = (*SWEEP, "method=grit", "seed=0,1", "hydra.sweep.subdir=${seed}")
    assert command(*sweep).code == 0
    runs.done = []
    with monkeypatch.context() as under_torchrun:
        under_torchrun.setenv("WORLD_SIZE", "2")
        assert command(*sweep, "resume=true").code == 0
    assert runs.done == []


def test_a_multirun_that_is_stopped_goes_on_with_all_that_is_left(
    runs: Runs, command: Command
) -> None:
    runs.told_in, runs.told_late = 1, True
    ended = command("method=grit", "seed=0,1,2", "-m", "logger=none", "hydra.sweep.dir=a b")
    message, _, resume_command = ended.err.strip().partition("; go on with: python -m grit ")
    assert (ended.code, message) == (1, "grit: job 1: interrupted by SIGTERM")
    given = ["--multirun", "method=grit", "seed=0,1,2", "logger=none"]
    assert shlex.split(resume_command) == [*given, "hydra.sweep.dir=a b", "resume=true"]
    runs.done, runs.told_in = [], None
    ended = command(*shlex.split(resume_command))
    assert (ended.code, ended.err) == (0, "")
    assert runs.done == [("grit", 1), ("grit", 2)]
    assert "resume=true: done before: a b/0-tiny_qwen-shapes-grit-seed0\n" in ended.out
    assert len(list(Path("a b").glob("*/results.json"))) == 3


def test_what_other_code_has_finished_is_done_when_a_multirun_goes_on(
    runs: Runs, command: Command
) -> None:
    assert command(*SWEEP, "method=grit", "seed=0,1", "hydra.sweep.subdir=${seed}").code == 0
    record = Path("sweep/0/run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"code": "0" * 12}))
    runs.done = []
    again = (*SWEEP, "method=grit", "seed=0,1", "hydra.sweep.subdir=${seed}", "resume=true")
    ended = command(*again)
    assert (ended.code, ended.err, runs.done) == (0, "", [])
    assert "resume=true: done before by other code, and not done again: sweep/0\n" in ended.out
    assert "resume=true: done before: sweep/1\n" in ended.out


def test_what_the_judge_failed_on_is_done_again_when_a_multirun_goes_on(
    runs: Runs, command: Command
) -> None:
    runs.judge_fails = True
    assert command(*SWEEP, "method=grit", "seed=0,1").code == 0
    runs.done = []
    assert command(*SWEEP, "method=grit", "seed=0,1", "resume=true").code == 0
    assert runs.done == [("grit", 0), ("grit", 1)]


def test_what_does_not_train_is_run_for_one_seed(runs: Runs, command: Command) -> None:
    ended = command(*SWEEP, "method=direct,grit", "seed=0,1,2")
    assert (ended.code, ended.err) == (0, "")
    assert runs.done == [("direct", 0), ("grit", 0), ("grit", 1), ("grit", 2)]
    lines = [line for line in ended.out.splitlines() if "does not train" in line]
    assert [line.partition(":")[0] for line in lines] == ["seed=1", "seed=2"]
    done = Path("sweep/0-tiny_qwen-shapes-direct-seed0")
    assert all(line.endswith(f"this job is not run, {done} has it") for line in lines)
    assert {path.parent for path in Path("sweep").glob("*-direct-*/*.json")} == {done}
    assert "has it" in Path("sweep/1-tiny_qwen-shapes-direct-seed1/grit.log").read_text()
    table = table1(evidence_of_sources(["sweep"])).tables[0]
    labels = [row.label for section in table.sections for row in section.rows]
    assert {"Direct query", "GRIT, 3 seeds"} <= set(labels)
    assert not any("repeats" in note for note in table.notes)


@pytest.mark.parametrize(
    "other", [("method=direct,cot",), ("method=direct", "evaluation.max_new_tokens=9,10")]
)
def test_another_method_or_setting_is_another_run(
    runs: Runs, command: Command, other: tuple[str, ...]
) -> None:
    assert command(*SWEEP, *other, "seed=0,1").code == 0
    assert len(runs.done) == 2
    assert {seed for _, seed in runs.done} == {0}


def test_a_run_that_is_not_finished_or_not_judged_stands_for_no_other(
    runs: Runs, command: Command
) -> None:
    runs.is_stopped = True
    assert command(*SWEEP, "method=direct", "seed=0,1").code == 0
    runs.is_stopped, runs.judge_fails = False, True
    assert command(*SWEEP[:-1], "hydra.sweep.dir=other", "method=direct", "seed=0,1").code == 0
    assert len(runs.done) == 4


@pytest.mark.parametrize("damage", ["{", "[]", "other code"])
def test_what_other_code_has_done_or_a_damaged_record_says_counts_for_nothing(
    runs: Runs, command: Command, damage: str
) -> None:
    one = (*SWEEP, "method=direct")
    assert command(*one, "seed=0,1", "hydra.sweep.subdir=${seed}").code == 0
    record = Path("sweep/0/run.json")
    begun = json.loads(record.read_text())
    other = json.dumps(begun | {"code": "0" * 12})
    record.write_text(other if damage == "other code" else damage)
    assert command(*one, "seed=2", "hydra.sweep.subdir=${seed}").code == 0
    assert runs.done == [("direct", 0), ("direct", 2)]


def test_processes_that_share_a_job_all_run_it(
    runs: Runs, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert command(*SWEEP, "method=direct", "seed=0,1").code == 0
    assert len(runs.done) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-m", "hydra.run.dir=x"), "job 0: hydra.run.dir=x is not for several runs: say hydra.sw"),
        (("hydra.sweep.dir=x",), "hydra.sweep.dir=x is not for a single run: say hydra.run.dir=F"),
    ],
)
@pytest.mark.parametrize("resume", ["true", "false"])
def test_a_folder_that_would_be_ignored_is_refused(
    runs: Runs, command: Command, given: tuple[str, ...], said: str, resume: str
) -> None:
    ended = command(*given, f"resume={resume}", "method=grit", "logger=none")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert ended.err.startswith(f"grit: {said}")
    assert runs.done == []


def test_single_runs_are_always_run(runs: Runs, command: Command) -> None:
    for seed in (0, 1):
        place = f"hydra.run.dir=sweep/{seed}"
        assert command("logger=none", "method=direct", f"seed={seed}", place).code == 0
    assert runs.done == [("direct", 0), ("direct", 1)]


def test_what_a_former_job_left_on_a_gpu_is_freed(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning's objects refer to each other: without a collection their weights stay."""

    class Trainer:
        def __init__(self) -> None:
            self.own = self

    emptied, left = [], Trainer()
    gone = weakref.ref(left)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(gone() is None))
    gc.disable()
    try:
        del left
        assert command("task=check", "logger=none").code == 0
    finally:
        gc.enable()
    assert emptied == [True]
