"""Runs scripts and the command on several processes (gloo, CPU), as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grit.models.loading import load_base

SCRIPT = Path(__file__).parent / "steps_of_grpo.py"
# Tokens of a pass that all groups fit into. Layouts add gradients of several passes and processes
# in different orders; that rounding (4e-9) turns bf16 numbers of later updates to their neighbours,
# 0.4 % off. With a pass a process there is one order, and layouts agree on a bf16 base too.
ONE_PASS = 16384


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


def assert_same_update(found, expected):
    """Two runs ended with the same AdamW states, weights and metrics, but for rounding."""
    ours, theirs = checkpoint(found), checkpoint(expected)
    assert ours["lr_schedulers"] == theirs["lr_schedulers"]
    (our_adamw,), (their_adamw,) = (each["optimizer_states"] for each in (ours, theirs))
    assert our_adamw["param_groups"] == their_adamw["param_groups"]
    assert our_adamw["state"].keys() == their_adamw["state"].keys()
    for number, state in their_adamw["state"].items():  # means of gradients and their squares
        for name, value in state.items():
            close(our_adamw["state"][number][name], value, (number, name), atol=1e-6)
    assert any(state["exp_avg"].abs().max() > 1e-3 for state in their_adamw["state"].values())
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    for name, weight in theirs["state_dict"].items():
        # AdamW makes steps of one size of all gradients, also of those that are rounding alone.
        close(ours["state_dict"][name], weight, name, atol=1e-4)
    for mine, yours in zip(metrics(found), metrics(expected), strict=True):
        assert mine.keys() == yours.keys()
        for name, value in yours.items():
            assert mine[name] == pytest.approx(value, rel=1e-5, abs=2e-5), name


def close(found, expected, what, *, atol):
    torch.testing.assert_close(found, expected, atol=atol, rtol=0, msg=f"{what}")


def assert_same_bits(found, expected):
    """Two runs ended with the same bits."""
    ours, theirs = checkpoint(found), checkpoint(expected)
    assert metrics(found) == metrics(expected)
    assert ours["state_dict"].keys() == theirs["state_dict"].keys()
    for name, weight in theirs["state_dict"].items():
        assert torch.equal(ours["state_dict"][name], weight), name
    (our_adamw,), (their_adamw,) = (each["optimizer_states"] for each in (ours, theirs))
    assert our_adamw["state"].keys() == their_adamw["state"].keys()
    for number, state in their_adamw["state"].items():
        for name, value in state.items():
            assert torch.equal(our_adamw["state"][number][name], value), (number, name)


def assert_model_is_whole(run):
    """The model's folder holds the weights of the last checkpoint, and answers were scored."""
    saved = load_base(str(run / "model")).model.state_dict()
    (path,) = (run / "checkpoints").glob("step-*.ckpt")
    learned = torch.load(path, weights_only=True)["state_dict"]
    for name, weight in learned.items():
        assert torch.equal(saved[name.removeprefix("model.")], weight), name
    results = json.loads((run / "results.json").read_text())
    assert {found["n"] for found in results["sets"].values()} == {2}
