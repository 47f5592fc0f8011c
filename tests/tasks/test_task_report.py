import json
from pathlib import Path

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.studies.correlation_study import Correlation
from grit.studies.figure4 import FIGURE4, CorrelatedRun, Figure4
from grit.studies.figure_runs import RunName
from grit.tracking.naming import experiment


def measured() -> Figure4:
    interval = Estimate(0.7, 0.6, 0.75, 10)
    found = Correlation((0.7, 0.7), 0.7, 0.02, interval, {"vsr": interval}, 5, 1)
    run = RunName("runs/0", "tiny_qwen", "shapes", "grit", 0, "abc")
    correlated = CorrelatedRun(run, 20, 15, 10, {"random": found, "same_sizes": found})
    return Figure4("rules", 2, 10, 0, runs=[correlated])


def test_finished_runs_become_a_page_and_a_spec(command, finished_run, tmp_path: Path) -> None:
    for seed in (0, 1):
        finished_run(tmp_path / "seeds" / str(seed), seed=seed)
        (tmp_path / "seeds" / str(seed) / "report.html").touch()
    FIGURE4.write(measured(), tmp_path / "seeds" / "figure4")
    ended = command(
        "task=report", f"runs=[{tmp_path}/seeds]", "hydra.run.dir=out", "logger.mode=offline"
    )
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1>seeds</h1>" in page
    assert "seed 0" in page
    assert page.count('class="card ') > 4
    assert "Table 1: methods, models and test sets" in page
    assert "GRIT, 2 seeds" in page
    assert "Figure 6" not in page  # one size is no curve
    assert "1 of 2 runs are not shown here" in page
    assert '<a href="../seeds/1/report.html">seed 1</a></li>' in page
    spec = json.loads((tmp_path / "out" / "wandb_report.json").read_text())
    assert spec["displayName"] == "seeds"
    assert spec["projectName"] == "grit"
    assert "| GRIT, 2 seeds |" in json.dumps(spec)
    assert "Cross-Modal Correlation" in page
    assert "0.700 [0.600, 0.750]" in page
    assert "0.700 [0.600, 0.750]" in json.dumps(spec)
    assert not (tmp_path / "out" / "wandb").exists()


def test_a_run_of_another_version_is_left_out_and_named(
    command, finished_run, tmp_path: Path
) -> None:
    for seed in (0, 1):
        finished_run(tmp_path / "seeds" / str(seed), seed=seed)
    other = tmp_path / "seeds" / "1" / "results.json"
    other.write_text(json.dumps(json.loads(other.read_text()) | {"schema_version": 7}))
    report = ("task=report", "hydra.run.dir=out", "logger.mode=offline")
    ended = command(*report, f"runs=[{tmp_path}/seeds]")
    assert ended.code == 0, ended.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "expected results of schema_version 1, found 7" in page
    assert "<span>runs</span> 1</li>" in page
    assert "2 seeds" not in page
    ended = command(*report, f"runs=[{tmp_path}/seeds/1]")
    assert ended.code == 1
    assert "expected results of schema_version 1, found 7" in ended.err


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["task=report"], "task=report needs runs=FOLDER or runs=[FOLDER,...]"),
        (["task=report", "runs=[nowhere]"], "nowhere is not a folder"),
        (["task=report", "runs=[.]"], "no results.json in or below ."),
        (
            ["runs=[.]"],
            "runs is for task=tables, report, correlation, attention, faithfulness, and this",
        ),
    ],
)
def test_a_mistake_ends_in_one_line_and_leaves_nothing(
    command, tmp_path: Path, overrides, expected
) -> None:
    ended = command(*overrides, "hydra.run.dir=out")
    assert ended.code == 1
    assert expected in ended.err
    assert ended.err.count("\n") == 1
    assert not list(tmp_path.rglob("*.html"))


def test_a_run_that_is_not_shown_is_read_before_anything_is_written(
    command, finished_run, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("grit.pages.galleries.MOST", 1)
    for seed in (0, 1):
        finished_run(tmp_path / str(seed), seed=seed)
    (tmp_path / "1" / "config.yaml").write_text("a: [")
    ended = command("task=report", "runs=[.]", "hydra.run.dir=out", "logger.mode=offline")
    assert ended.code == 1
    assert "1/config.yaml: cannot be read" in ended.err
    assert not list(tmp_path.rglob("*.html"))


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["seed=1", "experiment=table1"], "table1"),
        (["+experiment=smoke"], "smoke"),
        (["experiment=null"], None),
        (["logger=none"], None),
    ],
)
def test_runs_are_gathered_by_their_experiment(overrides, expected) -> None:
    assert experiment(overrides) == expected
