"""Runs scripts and the command on several processes (gloo, CPU), as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = Path(__file__).parent / "steps_of_grpo.py"


def launch(arguments, processes, *, cwd=None):
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    done = subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def steps(folder, processes, strategy="ddp", **settings):
    """The folder of two steps of GRPO-GR, see steps_of_grpo.py."""
    folder.mkdir(exist_ok=True)
    settings |= {"folder": str(folder), "processes": processes, "strategy": strategy}
    launch([str(SCRIPT), json.dumps(settings)], processes)
    return folder


def command(folder, *choices):
    """The folder of the run that the command makes on two processes."""
    every = ["experiment=smoke", "trainer.accelerator=cpu", "threads=1", "hydra.run.dir=run"]
    launch(["-m", "grit", *every, *choices], 2, cwd=folder)
    return folder / "run"


def gradients(folder):
    return torch.load(folder / "gradients.pt", weights_only=True)


def checkpoint(folder):
    return torch.load(folder / "step-000002.ckpt", weights_only=True)


def of_processes(folder, name):
    """What each process left under this name."""
    return [each[name] for each in json.loads((folder / "processes.json").read_text())]


def metrics(folder):
    """The metrics of each step, without times."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    timing = ("seconds", "per_second")
    return [
        {name: value for name, value in row.items() if not any(part in name for part in timing)}
        for row in rows
    ]
