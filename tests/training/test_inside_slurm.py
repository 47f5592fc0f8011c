"""One process in a SLURM job of several tasks is a run of its own, and not a rank."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = (
    *("experiment=smoke", "method=sft", "logger=none", "hydra.run.dir=run"),
    *("evaluation.before_training=false", "evaluation.after_training=false"),
)
JOB = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "mine", "SLURM_LOCALID": "1", "SLURM_NODEID": "0"}
TASKS = {
    "srun starts a command for each task": {"SLURM_NTASKS_PER_NODE": "4", "SLURM_PROCID": "1"},
    "tasks that were meant as cores": {"SLURM_PROCID": "0"},
}


@pytest.mark.parametrize("tasks", TASKS)
def test_it_trains_and_writes_its_files(tmp_path: Path, tasks: str) -> None:
    environment = os.environ | JOB | {"SLURM_NTASKS": "4"} | TASKS[tasks]
    ended = subprocess.run(
        [sys.executable, "-m", "grit", *RUN],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 2
