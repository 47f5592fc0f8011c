"""Runs scripts and the command on several processes (gloo, CPU).

They are forks that are told what torchrun tells its processes; test_data_parallel.py has torchrun.
"""

import json
import os
import time
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore
from warmed import server

from grit.models.loading import load_base

SCRIPT = Path(__file__).parent / "steps_of_grpo.py"
# Tokens of a pass that all groups fit into. Layouts add gradients of several passes and processes
# in different orders; that rounding (4e-9) turns bf16 numbers of later updates to their neighbours,
# 0.4 % off. With a pass a process there is one order, and layouts agree on a bf16 base too.
ONE_PASS = 16384
SMOKE = ("experiment=smoke", "trainer.accelerator=cpu", "threads=1", "hydra.run.dir=run")


def told(rank, processes, port):
    """What torchrun tells a process."""
    ours = {"RANK": rank, "LOCAL_RANK": rank, "ROLE_RANK": rank, "GROUP_RANK": 0}
    every = dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE", "ROLE_WORLD_SIZE"), processes)
    store = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "tests"}
    store |= {"TORCHELASTIC_USE_AGENT_STORE": True, "TORCHELASTIC_RESTART_COUNT": 0}
    return {k: str(v) for k, v in (ours | every | store | {"GROUP_WORLD_SIZE": 1}).items()}


def ranks(arguments, folder, processes, *, takes_down=False):
    """Run ``python ARGUMENTS`` in so many processes; if one fails, the others are ended."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    tell = [told(rank, processes, store.port) for rank in range(processes)]
    alone = [{}] if processes == 1 else tell
    every = os.environ | {"PYTHONPATH": str(SCRIPT.parents[1])}  # modules of the tests
    started = [
        server().start(arguments, folder, every | each, takes_down=takes_down) for each in alone
    ]
    try:
        end = time.monotonic() + 300
        while None in (codes := [each.poll() for each in started]) and not any(codes):
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        for each in started:
            each.kill()
    for done in [each.done() for each in started]:
        assert done.returncode == 0, done.stderr[-3000:]


def steps(folder, processes, strategy="ddp", **settings):
    """The folder of two steps of GRPO-GR, see steps_of_grpo.py."""
    folder.mkdir(exist_ok=True)
    settings |= {"folder": str(folder), "processes": processes, "strategy": strategy}
    ranks([str(SCRIPT), json.dumps(settings)], folder, processes)
    return folder


def command(folder, *choices):
    """The folder of the run that the command makes on two processes."""
    ranks(["-m", "grit", *SMOKE, *choices], folder, 2, takes_down=True)
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
