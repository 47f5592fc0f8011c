"""Jobs of a multirun by submitit, here on this machine; on a cluster the launcher is another."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("submitit", reason="pip install -e '.[slurm]'")


@pytest.mark.slow
def test_the_jobs_of_a_multirun_run_by_submitit_and_mistakes_are_said(tmp_path: Path) -> None:
    """The folders of failed jobs are gone by then, and submitit logs that these have ended."""
    small = ("experiment=smoke", "logger=none", "threads=1", "suite.limit=1", "trainer.max_steps=1")
    launched = ("hydra/launcher=submitit_local", "hydra.sweep.dir=runs/sweep", "resume=true")
    jobs = ("data=shapes,vsr_tally,vsr_only", "seed=0,1", "evaluation.before_training=false")
    done = subprocess.run(
        [sys.executable, "-m", "grit", "-m", *small, *launched, *jobs],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stderr[-2000:]
    results = sorted((tmp_path / "runs" / "sweep").glob("*/results.json"))
    assert [json.loads(path.read_text())["seed"] for path in results] == [0, 1]
    assert "Means over the sets of each run" in done.stdout
    said = [line for line in done.stderr.splitlines() if line.startswith("grit: job ")]
    assert [line.split(":")[1] for line in sorted(said)] == [f" job {job}" for job in (2, 3, 4, 5)]
    assert all("is missing" in line for line in said)
    assert "Error executing job" not in done.stderr
    assert "FileNotFoundError" not in done.stderr
