"""Experiments by the command line; what a run itself does is left out, because it takes long."""

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import grit.__main__ as program
from grit import tasks
from grit.config.identity import config_hash, settings_hash
from grit.config.schema import Config, FigureSettings
from grit.core.errors import GritError
from grit.core.locks import locked
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.runs import jobs
from grit.runs.folder import RunFolder
from grit.runs.job_log import Job, JobLog, Outcome
from grit.runs.results import Results, set_result, write_results
from grit.studies.faithfulness_figure import FAITHFULNESS, FaithfulnessFigure
from grit.studies.figure_runs import Unfinished

TABLE = Path("runs/experiments/table1")
SMALL = ("experiment=table1", "model=tiny_qwen", "method=cot,grit", "data.seed=0", "seed=0,1")


def finished(config: Config, folder: Path) -> None:
    said = Prediction("vsr", 0, "vsr/0", "?", "yes", False, "vsr", "yes")
    row = ScoredPrediction(said, "yes", None, {}, 1.0, False, 1.0, None, 1.0)
    write_results(
        folder / "results.json",
        Results(
            method=config.method.name,
            model=config.model.name,
            data=config.data.name,
            reward=config.reward.name,
            judge=config.judge.name,
            suite=config.suite.name,
            seed=config.seed,
            config_hash=config_hash(config),
            settings_hash=settings_hash(config),
            sets={"vsr": set_result([row])},
        ),
    )


REAL = tasks.perform


class Runs:
    """What would have been run."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, bool]] = []
        self.fault: Callable[[Config], None] = lambda config: None

    def perform(self, config: Config, folder: Path, overrides: list[str]) -> None:
        if config.task == "tables":  # what is made of runs is real
            REAL(config, folder, overrides)
            return
        (folder / "run.json").touch()
        self.done.append((config.method.name, config.seed, config.resume))
        self.fault(config)
        finished(config, folder)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    found = Runs()
    monkeypatch.setattr(program, "perform", found.perform)
    return found


def table() -> dict[str, str]:
    """The first cell of every row that is ours."""
    lines = (TABLE / "table1.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split(" | ") for line in lines if line.startswith("| ")]
    return {row[0].removeprefix("| "): row[1] for row in cells if not row[0].startswith("| *")}


def reason(fault: Exception) -> str:
    """What a failed job says of itself, in one line."""
    said = str(fault) if isinstance(fault, GritError) else f"RuntimeError: {fault}"
    return " ".join(said.split())


def outcomes() -> list[str]:
    return [job.outcome.value for job in JobLog(TABLE / "jobs.jsonl").since(0)]


def test_each_run_is_done_once_and_the_table_follows(runs: Runs, command: Any) -> None:
    ended = command(*SMALL)
    assert (ended.code, ended.err) == (0, "")
    # What does not train gives every seed the same.
    assert runs.done == [("cot", 0, False), ("grit", 0, False), ("grit", 1, False)]
    assert "runs/experiments/table1/table1.md" in ended.out
    found = table()
    assert found["GRIT, 2 seeds"] == "**100.0 ± 0.0**"
    assert found["Direct query"] == "missing"
    assert "runs/experiments/table1/report.html" in ended.out
    page = (TABLE / "report.html").read_text(encoding="utf-8")
    assert f"$ python -m grit {' '.join(SMALL)}</code>" in page
    assert "<span>runs</span> 3</li>" in page
    assert "GRIT, 2 seeds" in page
    runs.done.clear()
    (TABLE / "table1.md").unlink()
    # Where and how it runs makes no other run of it.
    assert command(*SMALL, "threads=1", "logger=none").code == 0
    assert runs.done == []
    assert table() == found


def test_an_experiment_that_is_stopped_goes_on_as_a_whole(runs: Runs, command: Any) -> None:
    """The job alone would write a table of one run over that of all."""

    def stop(config: Config) -> None:
        if (config.method.name, config.seed) == ("grit", 0):
            RunFolder(Path("a"), (), resumed=True, checkpoint=None).begin(config)
            os.kill(os.getpid(), signal.SIGTERM)

    runs.fault = stop
    ended = command(*SMALL)
    assert ended.code == 1
    message, _, resume_command = ended.err.strip().partition("; go on with: python -m grit ")
    assert message.endswith("interrupted by SIGTERM")
    assert shlex.split(resume_command) == list(SMALL)
    runs.fault = lambda config: None
    runs.done.clear()
    assert command(*shlex.split(resume_command)).code == 0
    assert runs.done == [("grit", 0, True), ("grit", 1, False)]
    assert set(table()) >= {"GRIT, 2 seeds"}


@pytest.mark.parametrize("fault", [GritError("no memory"), RuntimeError("no\nmemory")])
def test_a_failed_run_leaves_a_gap_and_is_gone_on_with(
    runs: Runs, command: Any, fault: Exception
) -> None:
    def fail(config: Config) -> None:
        if (config.method.name, config.seed) == ("grit", 1):
            raise fault

    runs.fault = fail
    ended = command(*SMALL)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("grit: job 3: ")
    assert ("Traceback" in ended.out) == isinstance(fault, RuntimeError)
    assert "GRIT" in table()  # of one seed
    page = (TABLE / "table1.md").read_text(encoding="utf-8")
    assert r"seed 1 failed in tiny\_qwen-shapes-grit-seed1-" in page
    whole = (TABLE / "report.html").read_text(encoding="utf-8")
    assert "2 of 3 <a" in whole
    assert f"<li>tiny_qwen · grit · shapes · data.seed 0 · seed 1: {reason(fault)}</li>" in whole
    runs.fault = lambda config: None
    runs.done.clear()
    assert command(*SMALL).code == 0
    assert runs.done == [("grit", 1, True)]
    assert "GRIT, 2 seeds" in table()


def test_a_folder_without_results_is_not_done(runs: Runs, command: Any) -> None:
    one = ("experiment=table1", "model=tiny_qwen", "method=grit", "data.seed=0", "seed=0")
    assert command(*one).code == 0
    (results,) = Path("runs/experiments").glob("*/results.json")
    results.unlink()
    assert command(*one).code == 0
    assert runs.done == [("grit", 0, False), ("grit", 0, True)]


def test_processes_that_belong_together_share_no_jobs(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    ended = command("experiment=table1", "model=tiny_qwen", "method=grit", "data.seed=0", "seed=0")
    assert ended.code == 1
    assert "once per device" in ended.err
    assert runs.done == []
    assert not list(Path("runs/experiments").glob("tiny_qwen-*"))


def test_other_settings_and_other_code_are_other_runs(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ("experiment=table1", "model=tiny_qwen", "method=grit", "data.seed=0", "seed=0")
    assert command(*one).code == 0
    assert command(*one, "training.beta=0.02").code == 0
    monkeypatch.setattr("grit.config.identity.code_fingerprint", lambda path, calls: "other code")
    assert command(*one).code == 0
    assert len(runs.done) == 3
    folders = [path.parent.name for path in Path("runs/experiments").glob("*/done.json")]
    assert len(folders) == 3
    assert {name[:-9] for name in folders} == {"tiny_qwen-shapes-grit-seed0"}
    assert "GRIT" in table()  # the table is of the last command's run alone


def test_a_configuration_that_cannot_run_is_a_gap_too(runs: Runs, command: Any) -> None:
    ended = command(*SMALL, "training.group_size=1")
    assert (ended.code, len(ended.err.splitlines())) == (1, 4)
    assert runs.done == []
    assert set(outcomes()) == {"failed"}
    assert table()["GRIT"] == "missing"


def test_a_run_that_another_process_works_at_is_left_to_it(runs: Runs, command: Any) -> None:
    one = ("experiment=table1", "model=tiny_qwen", "method=grit", "data.seed=0", "seed=0")
    assert command(*one).code == 0
    (record,) = Path("runs/experiments").glob("*/done.json")
    record.unlink()
    (record.parent / "results.json").unlink()
    runs.done.clear()
    with locked(record.parent) as free:
        assert free
        assert command(*one).code == 0
    assert runs.done == []
    assert outcomes()[-1] == Outcome.elsewhere.value
    assert "another process works at it" in (TABLE / "table1.md").read_text(encoding="utf-8")


def test_experiments_share_their_runs(runs: Runs, command: Any) -> None:
    assert command(*SMALL).code == 0
    runs.done.clear()
    assert command("experiment=table3", *SMALL[1:2], "data=shapes", *SMALL[3:]).code == 0
    assert runs.done == []
    assert (TABLE.parent / "table3" / "table3.md").is_file()


def test_tables_of_finished_runs(runs: Runs, command: Any) -> None:
    assert command(*SMALL).code == 0
    where = ("task=tables", "hydra.run.dir=tables")
    ended = command(*where, "runs=runs/experiments", "exhibits=[table1]")
    assert (ended.code, ended.err) == (0, "")
    assert Path("tables/table1.md").read_text() == (TABLE / "table1.md").read_text()
    folders = sorted(str(path.parent) for path in Path("runs").glob("*/*/done.json"))
    assert command(*where, f"runs=[{','.join(folders)}]", "exhibits=[table1]").code == 0
    assert Path("tables/table1.md").read_text() == (TABLE / "table1.md").read_text()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["task=tables"], "task=tables needs runs="),
        (["runs=somewhere"], "runs is for task=tables"),
        (["task=tables", "runs=nowhere"], "runs: nowhere is not a folder"),
        (["experiment=table1", "exhibits=[table1,table9]"], "exhibits: table9 is not one"),
        (["exhibits=[table1]"], "exhibits= is for task=tables or experiment=NAME"),
        (["-m", "exhibits=[table1]"], "exhibits= is for task=tables or experiment=NAME"),
        (["experiment=table1", "hydra.run.dir=a"], "a is not for several runs: say hydra.sweep"),
        (["experiment=table1", "exhibits=[]"], "exhibits=[]: name what to make of the runs"),
        (["task=tables", "runs=nowhere", "exhibits=[table9]"], "exhibits must be one of table1"),
    ],
)
def test_mistakes(runs: Runs, command: Any, overrides: list[str], said: str) -> None:
    ended = command(*overrides)
    assert ended.code == 1
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert runs.done == []


def test_a_seed_that_is_no_number_is_said_in_one_line(runs: Runs, command: Any) -> None:
    ended = command("experiment=table1", "model=tiny_qwen", "method=cot", "data.seed=0", "seed=abc")
    assert ended.code == 1
    assert "Traceback" not in ended.out + ended.err
    assert "seed" in ended.err
    assert [job.outcome.value for job in JobLog(TABLE / "jobs.jsonl").since(0)] == ["failed"]


def test_a_figure_that_cannot_be_made_keeps_no_other_back(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: Any) -> list[Path]:
        raise GritError("no chain has a box")

    monkeypatch.setattr("grit.studies.measuring.measure_jobs", build)
    ended = command(*SMALL, "exhibits=[figure5,table1]")
    assert ended.code == 1
    assert ended.err.splitlines() == ["grit: no chain has a box"]
    for name in ("figure5/report.html", "table1/table1.md", "table1/report.html"):
        assert (Path("runs/experiments") / name).is_file()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["suite=paper"], "figure 4 of suite=paper needs judge=openai"),
        (["correlation.repeats=0"], "correlation.repeats must be at least 1"),
        (["correlation.chains=many"], "many"),
    ],
)
def test_what_figure_4_would_refuse_at_its_end_is_refused_at_once(
    runs: Runs, command: Any, overrides: list[str], said: str
) -> None:
    ended = command("experiment=figure4", "model=tiny_qwen", "method=icl,grit", *overrides)
    (line,) = ended.err.splitlines()
    assert (ended.code, said in line) == (1, True), line
    assert runs.done == []
    assert not Path("runs").exists()


def test_runs_whose_photographs_a_rule_would_judge_are_not_begun(runs: Runs, command: Any) -> None:
    one = ("experiment=figure4", "model=tiny_qwen", "method=grit", "data.seed=0", "seed=0")
    ended = command(*one, "suite=shapes_dev,paper")
    assert ended.code == 1
    assert len(runs.done) == 1  # of the drawn scenes
    page = Path("runs/experiments/figure4/figure4.md").read_text(encoding="utf-8")
    assert "figure 4 of suite=paper needs judge=openai" in page
    assert "| GRIT | missing |" in page


def test_figures_have_the_settings_of_the_command_line(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[FigureSettings] = []

    def build(_: Any, figures: FigureSettings, *rest: Any) -> list[Path]:
        found.append(figures)
        return []

    monkeypatch.setattr("grit.studies.measuring.measure_jobs", build)
    one = ("experiment=figure4", "model=tiny_qwen", "method=grit", "seed=1,2")
    assert command(*one).code == 0
    assert command(*one, "correlation.chains=1", "correlation.repeats=2").code == 0
    assert len(runs.done) == 2  # the second time they are there
    assert [(each.correlation.chains, each.correlation.repeats) for each in found] == [
        (100, 3),
        (1, 2),
    ]
    assert found[1].judge.name == "rules"


def test_data_are_counted_anew_each_time(runs: Runs) -> None:
    assert "data" in jobs.ALWAYS


PHOTOGRAPHED = "model=qwen2_5_vl_3b,internvl3_2b", "data=vsr_tally"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["table1", *PHOTOGRAPHED], "table1 of model=qwen2_5_vl_3b, suite=paper"),
        (["table1", "model=tiny_qwen,internvl3_2b"], "table1 of model=internvl3_2b, suite=shapes"),
        (["table1", "suite=shapes,paper"], "table1 of model=tiny_qwen, suite=paper"),
        (["table1", "model=tiny_qwen", "data=own"], "suite=own"),
        (["table3", PHOTOGRAPHED[0], "data=vsr_tally,vsr_only"], "table3 of"),
        (["figure6", PHOTOGRAPHED[0], "data=vsr_tally,vsr_tally_500"], "figure6 of"),
        (["table1", *PHOTOGRAPHED, "judge=openai"], None),
        (["table1", *PHOTOGRAPHED, "judge=rules"], None),
        (["table1", *PHOTOGRAPHED, "judge=openai,rules"], None),
        (["table1"], None),
    ],
)
def test_the_real_models_ask_for_the_papers_judge_unless_told_rules(
    runs: Runs, command: Any, overrides: list[str], said: str | None
) -> None:
    name, *others = overrides
    method = [] if name == "figure6" else ["method=grit"]
    ended = command(f"experiment={name}", "seed=0", *method, *others)
    if said is None:
        assert runs.done, ended.err
        return
    (line,) = ended.err.splitlines()
    assert line.startswith("grit: ")
    assert said in line
    assert "say judge=openai, or judge=rules for ACC by a strict text rule" in line
    assert (ended.code, runs.done) == (1, [])
    assert not Path("runs").exists()


def test_tables_of_finished_photographs_are_made_whoever_judged_them(
    runs: Runs, command: Any
) -> None:
    """And say so: nothing is refused after the work is done."""
    paper = (
        "experiment=table1",
        "model=tiny_qwen",
        "method=grit",
        "data.seed=0",
        "seed=0",
        "suite=paper",
    )
    assert command(*paper, "judge=rules").code == 0
    text = (TABLE / "table1.md").read_text(encoding="utf-8")
    assert "by a strict text rule" in text
    assert "by a strict text rule" in (TABLE / "report.html").read_text(encoding="utf-8")
    ended = command("task=tables", "runs=runs/experiments", "hydra.run.dir=tables")
    assert ended.code == 0
    assert Path("tables/table1.md").read_text(encoding="utf-8") == text


def test_a_page_shows_the_other_exhibits_that_were_asked_for(
    runs: Runs, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_: Any, figures: Any, sweep: Path, jobs: list[Job], folder: Path) -> list[Path]:
        gone = [Unfinished(job.folder, "not asked again") for job in jobs]
        figure = FaithfulnessFigure("rules", "grey", 9, 3, 0, runs=[], unfinished=gone)
        return [FAITHFULNESS.write(figure, folder)]

    monkeypatch.setattr("grit.studies.measuring.measure_jobs", build)
    assert command(*SMALL, "exhibits=[table1,faithfulness]").code == 0
    title = "Faithfulness: answers when what the chain points at is taken away"
    page = (TABLE / "report.html").read_text(encoding="utf-8")
    assert f"<h2>{title}</h2>" in page
    assert "not asked again" in page
    own = Path("runs/experiments/faithfulness/report.html").read_text(encoding="utf-8")
    assert f"<h1>{title}</h1>" in own
    assert "<h2>Table 1" in own
    assert command(*SMALL).code == 0
    assert title not in (TABLE / "report.html").read_text(encoding="utf-8")
