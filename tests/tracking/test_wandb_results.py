"""A real offline run of W&B, read back from its own files."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import settings_of
import wandb
from finished_runs import ROWS, drawn_rows, results_of

from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import ScoredPrediction
from grit.rewards.response import Response
from grit.rewards.reward import reward_from
from grit.runs.measured import Measured
from grit.tracking.dashboard import Findings, evaluation_numbers
from grit.tracking.evaluation_rows import outcomes_of, row_table
from grit.tracking.wandb_dashboard import WandbDashboard
from grit.tracking.wandb_log import wandb_logger

pytestmark = pytest.mark.filterwarnings(  # wandb leaves the file of a sweep's values open
    "ignore:unclosed file .*sweep.yaml:ResourceWarning",
    "ignore:Exception ignored in.*sweep.yaml:pytest.PytestUnraisableExceptionWarning",
)
TERMS = {
    "think_tags": ("grit.rewards.format.think_tags", 0.5),
    "judge": ("grit.rewards.answer.judge", 1.0),
}
CONFIG = {"model": {"name": "tiny_qwen"}, "seed": 7}
SWEPT = {"model": "tiny_qwen", "training.beta": 0.02}


class Logged(NamedTuple):
    """What the run's files say."""

    record: dict[str, Any]
    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    files: Path


def pictures():
    samples = {sample.id: sample for sample in ShapesSource("vsr", "test", ROWS)}
    return lambda name, row: samples[row].picture.load()


def reward():
    return reward_from(settings_of.reward(TERMS))


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    folder = tmp_path_factory.mktemp("run")
    swept = folder / "sweep.yaml"
    swept.write_text(json.dumps({name: {"value": value} for name, value in SWEPT.items()}))
    (folder / "report.html").write_text("<p>a page")
    after, before = drawn_rows([1]), drawn_rows(range(ROWS))
    with pytest.MonkeyPatch.context() as patch:
        wandb.teardown()  # it reads the environment once
        patch.setenv("WANDB_SWEEP_ID", "sweep1")
        patch.setenv("WANDB_SWEEP_PARAM_PATH", str(swept))
        patch.setenv("WANDB_DATA_DIR", str(folder / "wandb"))
        logger = wandb_logger(
            folder,
            CONFIG,
            project="grit",
            entity=None,
            name="tiny_qwen-shapes-grit-seed7",
            mode="offline",
            tags=["tiny_qwen", "grit", "grit", "x" * 80],
            group="table1",
            job_type="train",
        )
        try:
            dashboard = WandbDashboard(logger)
            was, now = Measured(results_of(before), before), Measured(results_of(after), after)
            dashboard.numbers(evaluation_numbers(was.results), step=0)
            logger.log_metrics({"train/reward": 1.5, "train/reward_part/vsr/judge": 1.0}, step=0)
            dashboard.numbers(evaluation_numbers(now.results), step=1)
            dashboard.findings(Findings(folder, 1, now, was, pictures(), reward(), 4))
        finally:
            wandb.finish()
            wandb.teardown()
    (files,) = folder.glob("wandb/offline-run-*")
    return read_back(files)


def read_back(folder: Path) -> Logged:
    command = shutil.which("wandb", path=str(Path(sys.executable).parent))
    assert command is not None
    said = subprocess.run(
        [command, "leet", "inspect", "--json", folder], capture_output=True, text=True, check=True
    )
    records = [json.loads(line) for line in said.stdout.splitlines()]
    summary: dict[str, Any] = {}
    for record in records:
        if record["type"] == "summary":
            summary |= record["summary"].get("update", {})
    run = next(record["run"] for record in records if record["type"] == "run")
    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    return Logged(run, run["config"]["update"], history, summary, folder / "files")


def test_the_run_can_be_found(logged: Logged) -> None:
    assert logged.record["run_group"] == "table1"
    assert logged.record["job_type"] == "train"
    assert logged.record["display_name"] == "tiny_qwen-shapes-grit-seed7"
    assert sorted(logged.record["tags"]) == sorted(["tiny_qwen", "grit", "x" * 64])


def test_a_sweep_and_the_configuration_do_not_collide(logged: Logged) -> None:
    found = {name: value for name, value in logged.config.items() if name != "_wandb"}
    assert found == SWEPT | {"grit": CONFIG}
    assert logged.record["sweep_id"] == "sweep1"


def test_numbers_stand_at_their_steps(logged: Logged) -> None:
    points = [item for item in logged.history if "eval/vsr/acc" in item]
    assert [item["trainer/global_step"] for item in points] == [0, 1]
    assert [item["eval/vsr/acc"] for item in points] == [0, pytest.approx(100 * 5 / 6)]
    assert [item["eval/vsr/acc_binary"] for item in points] == [0, pytest.approx(100 * 5 / 6)]
    assert points[1]["eval/mean/acc_binary"] == points[1]["eval/mean/acc"]
    assert points[1]["eval/mean/giou"] == points[1]["eval/vsr/giou"] > 0.7
    assert points[1]["eval/vsr/right_with_right_boxes"] == pytest.approx(5 / 6)
    assert points[1]["eval/vsr/named_boxes"] == 1
    assert any(item.get("reward_part_vsr/judge") == 1.0 for item in logged.history)
    assert any(item.get("train/reward") == 1.5 for item in logged.history)


def test_rows_have_their_boxes_and_reward_parts(logged: Logged) -> None:
    (path,) = logged.files.glob("media/table/*.table.json")
    table = json.loads(path.read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert len(rows) == 4
    for row in rows:
        assert row["change"] == ("wrong, now right" if row["right"] else "")
        assert row["acc"] == float(row["right"])
        assert row["reward"] == row["reward think_tags"] + row["reward judge"]
        assert row["reward judge"] == row["acc"]
        assert row["answer before"] == "a hippopotamus"
    assert {row["right"] for row in rows} <= {True, False}


def test_the_page_is_there_too(logged: Logged) -> None:
    (page,) = logged.files.glob("media/html/*.html")
    assert page.read_text() == "<p>a page"


def test_pictures_bear_both_kinds_of_boxes_and_wait_in_the_run_s_folder(logged: Logged) -> None:
    staged = logged.files.parent.parent.glob("artifacts/staging/*")
    texts = [path.read_bytes() for path in staged]
    assert sum(text.startswith(b"\x89PNG") for text in texts) == 4
    table, *_ = (json.loads(text) for text in texts if text.startswith(b'{"_type": "table"'))
    column = table["columns"].index("picture")
    layers = [row[column]["boxes"] for row in table["data"]]
    for layer in layers:
        assert set(layer) == {"annotated", "said"}
        assert layer["annotated"]
        assert layer["said"] in ([], layer["annotated"])  # ideal traces
    assert any(layer["said"] for layer in layers)


def test_reward_parts_stand_on_the_judge_s_scores() -> None:
    rows = drawn_rows([0])["vsr"]
    found = outcomes_of(reward(), rows)
    assert [outcome.components["judge"] for outcome in found if outcome] == [0, 1, 1, 1, 1, 1]


def test_a_row_that_the_reward_cannot_use_has_no_parts() -> None:
    rows = drawn_rows()["vsr"]
    counting = reward_from(settings_of.reward(TERMS, [rows[0].prediction.dataset]))
    assert outcomes_of(counting, rows) == [None] * ROWS


def of_training_alone(response: Response) -> float:
    """A term that raises for all answers but one."""
    return {drawn_rows()["vsr"][-1].answer: 1.0}[response.answer]


def test_a_term_that_fails_on_test_rows_leaves_their_cells_empty(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The run is done: its dashboard must not end it, and would each time that it is resumed."""
    once = drawn_rows([0])["vsr"]
    rows = {name: [in_set(name, row) for row in once] for name in ("vsr", "more")}
    known = once[-1].prediction.truth
    told = [row.prediction.truth == known for row in once]
    assert 0 < sum(told) < ROWS
    terms = TERMS | {"mine": (f"{__name__}.of_training_alone", 1.0)}
    rewarded = reward_from(settings_of.reward(terms))
    table = row_table({}, rows, lambda *_: None, lambda *_: None, reward=rewarded, most=ROWS)
    found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert len(found) == 2 * ROWS
    for row in found:
        paid = [row[name] for name in ("reward", "reward think_tags", "reward judge")]
        assert (None not in paid) is (row["truth"] == known)
        assert row["acc"] == float(row["right"])
    (line,) = [record.getMessage() for record in caplog.records]
    failed = 2 * (ROWS - sum(told))
    assert f"has no reward for {failed} of {2 * ROWS} rows: reward.terms.mine: on " in line


def in_set(name: str, row: ScoredPrediction) -> ScoredPrediction:
    return replace(row, prediction=replace(row.prediction, set=name))
