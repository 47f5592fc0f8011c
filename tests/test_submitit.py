"""Jobs of a multirun by submitit, here on this machine; on a cluster the launcher is another."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("submitit", reason="pip install -e '.[slurm]'")


@pytest.mark.slow
def test_the_jobs_of_a_multirun_run_by_submitit(tmp_path: Path) -> None:
    small = ("experiment=smoke", "logger=none", "threads=1", "suite.limit=1", "trainer.max_steps=1")
    launched = ("hydra/launcher=submitit_local", "hydra.sweep.dir=runs/sweep", "resume=true")
    jobs = ("seed=0,1", "evaluation.before_training=false")
    done = subprocess.run(
        [sys.executable, "-m", "grit", "-m", *small, *launched, *jobs],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = sorted((tmp_path / "runs" / "sweep").glob("*/results.json"))
    assert [json.loads(path.read_text())["seed"] for path in results] == [0, 1]


@pytest.mark.slow
def test_the_mistake_of_a_job_is_said(tmp_path: Path) -> None:
    """Its folder is gone by then, and submitit logs that the job has ended."""
    launched = ("hydra/launcher=submitit_local", "hydra.sweep.dir=runs/sweep")
    done = subprocess.run(
        [sys.executable, "-m", "grit", "-m", *launched, "data=vsr_tally", "logger=none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1
    assert "is missing" in done.stderr, done.stderr[-2000:]
    assert "FileNotFoundError" not in done.stderr
