"""One training in every dashboard: the same numbers by the same names at the same steps."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import SECRETS, Desk, rows, succeeded
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grit.tracking.panels import panel
from grit.tracking.trackio_client import library_in

LEARNING = (
    *("experiment=smoke", "logger.sample_every=1", "trainer.accelerator=cpu", "threads=1"),
    *("trainer.max_steps=3", "training.learning_rate=0.03", "suite.limit=1"),
    "+reward.terms.variety={call: mine.variety, weight: 1.0}",
)
Series = dict[str, list[tuple[int, float]]]  # of a metric: steps and values


@pytest.fixture(scope="module")
def runs(desk: Desk) -> dict[str, Path]:
    """Folders by dashboard; trackio's are two jobs of one process, the first of which is given."""
    for name, more in {"wandb": ("logger.mode=offline",), "tensorboard": ()}.items():
        succeeded(desk.grit(*LEARNING, f"logger={name}", *more, f"hydra.run.dir={name}"))
    several = "-m", "seed=0,1", "hydra.sweep.dir=trackio", "hydra.sweep.subdir=${seed}"
    succeeded(desk.grit(*several, *LEARNING, "logger=trackio"))
    places = {"wandb": "wandb", "tensorboard": "tensorboard", "trackio": "trackio/0"}
    return {name: desk.folder / place for name, place in places.items()}


def recorded(folder: Path) -> Series:
    """The steps by the run's own record, and its evaluations."""
    series: Series = {}
    for row in rows(folder / "metrics.jsonl"):
        for name, value in row.items():
            if name != "step":
                series.setdefault(panel(name), []).append((row["step"], value))
    for name, step in {"results.before": 0, "results": 3}.items():
        sets = json.loads((folder / f"{name}.json").read_text())["sets"]
        for test_set, result in sets.items():
            for metric, estimate in result.items():
                if isinstance(estimate, dict) and estimate.get("mean") is not None:
                    point = step, estimate["mean"]
                    series.setdefault(f"eval/{test_set}/{metric}", []).append(point)
    return series


def in_wandb(folder: Path) -> Series:
    command = shutil.which("wandb", path=str(Path(sys.executable).parent))
    (run,) = (folder / "wandb").glob("offline-run-*")
    said = subprocess.run(
        [str(command), "leet", "inspect", "--json", run], capture_output=True, text=True, check=True
    )
    records = map(json.loads, said.stdout.splitlines())
    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    return numbers((row["trainer/global_step"], row) for row in history if len(row) > 1)


def in_tensorboard(folder: Path) -> Series:
    log = EventAccumulator(str(folder / "tensorboard"), {"scalars": 0}).Reload()
    return {
        name: [(event.step, event.value) for event in log.Scalars(name)]
        for name in log.Tags()["scalars"]
    }


def in_trackio(folder: Path) -> Series:
    library = library_in(folder / "trackio")
    (run,) = library.Api().runs("grit")
    logs = library.sqlite_storage.SQLiteStorage.get_logs("grit", run.name, run_id=run.id)
    return numbers((row["step"], row) for row in logs)


def numbers(logged: Iterator[tuple[int, dict[str, Any]]]) -> Series:
    series: Series = {}
    for step, row in logged:
        for name, value in row.items():
            if "/" in name and isinstance(value, int | float) and name != "trainer/global_step":
                series.setdefault(name, []).append((step, value))
    return series


READ = {"wandb": in_wandb, "tensorboard": in_tensorboard, "trackio": in_trackio}


def test_all_have_the_same_names(runs: dict[str, Path]) -> None:
    named = {name: set(READ[name](folder)) for name, folder in runs.items()}
    assert named["wandb"] == named["tensorboard"] == named["trackio"]
    assert {"train/reward", "reward_part/variety", "seconds/step", "eval/mean/acc"} <= named[
        "wandb"
    ]


@pytest.mark.parametrize("name", READ)
def test_numbers_are_those_of_the_record_at_its_steps(runs: dict[str, Path], name: str) -> None:
    found, own = READ[name](runs[name]), recorded(runs[name])
    assert len(own["train/reward"]) == 3
    for metric, points in own.items():
        assert [step for step, _ in found[metric]] == [step for step, _ in points], metric
        values = [value for _, value in points]
        assert [value for _, value in found[metric]] == pytest.approx(values, rel=1e-6), metric
    assert {name for name in set(found) - set(own) if not name.startswith("eval/mean/")} == set()


def test_jobs_of_one_process_have_their_own_files(runs: dict[str, Path]) -> None:
    first, second = (in_trackio(runs["trackio"].parent / seed) for seed in ("0", "1"))
    assert first.keys() == second.keys()
    assert first["train/reward"] != second["train/reward"]


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_keys_of_the_environment_are_in_no_file(runs: dict[str, Path], name: str) -> None:
    contents = [path.read_bytes() for path in runs[name].rglob("*") if path.is_file()]
    assert any(b"reward_part/variety" in content for content in contents)
    assert [key for key in SECRETS.values() if any(key.encode() in each for each in contents)] == []


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_a_run_that_was_interrupted_goes_on_in_its_series(
    desk: Desk, runs: dict[str, Path], name: str
) -> None:
    folder = desk.folder / "interrupted" / name
    where = f"hydra.run.dir={folder}"
    stopped = desk.grit(*LEARNING, f"logger={name}", where, INTERRUPT="1")
    assert "interrupted after step 1 of 3" in stopped.stderr
    assert [step for step, _ in READ[name](folder)["train/reward"]] == [0]
    command = shlex.split(stopped.stderr.strip().rpartition("go on with: ")[2])
    succeeded(desk.grit(*command[3:]))
    straight = READ[name](runs[name])
    gone_on = READ[name](folder)
    assert gone_on.keys() == straight.keys()
    timed = re.compile("second|time|memory")
    for metric, points in straight.items():
        if not timed.search(metric):
            assert gone_on[metric] == points, metric


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_a_missing_package_is_one_line_before_anything_is_written(
    command, monkeypatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    ended = command("experiment=smoke", f"logger={name}", "hydra.run.dir=out")
    assert ended.code == 1
    assert ended.err == (
        f"grit: logger={name} needs the package {name}: pip install -c constraints.txt -e "
        "'.[loggers]', or logger=none\n"
    )
    assert [path.name for path in Path.cwd().rglob("*") if path.is_file()] in ([], ["grit.log"])


def test_the_tool_of_the_line_finds_the_run(runs: dict[str, Path], desk: Desk) -> None:
    """trackio's command finds the run by the variable and the project that the line names."""
    place = {"TRACKIO_DIR": str(runs["trackio"] / "trackio")}
    listed = subprocess.run(
        [sys.executable, "-m", "trackio.cli", "list", "runs", "--project", "grit"],
        env=desk.environment | place | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "tiny_qwen-shapes-grit-seed0" in listed.stdout, listed.stderr
