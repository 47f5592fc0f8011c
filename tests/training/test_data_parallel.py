"""Two processes (gloo, CPU) take the same step as one with the same prompts."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parent / "one_step_of_grpo.py"


def run(folder, processes, strategy="ddp"):
    folder.mkdir()
    command = [sys.executable, str(SCRIPT), str(folder), str(processes), strategy]
    if processes > 1:
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command[1:1] = launch
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return run(folder / "one", 1), run(folder / "two", 2)


def test_the_gradient_is_the_same(runs):
    one, two = (torch.load(folder / "gradients.pt", weights_only=True) for folder in runs)
    assert one.keys() == two.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in one.values())
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_the_metrics_are_those_of_all_completions(runs):
    one, two = (
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in runs
    )
    assert len(one) == len(two) == 2
    timing = ("seconds", "per_second")
    for alone, together in zip(one, two, strict=True):
        assert alone.keys() == together.keys()
        for name, value in alone.items():
            if not any(part in name for part in timing):
                assert together[name] == pytest.approx(value, abs=2e-5), name


def test_groups_never_cross_processes_and_completions_are_the_same(runs):
    one, two = (json.loads((folder / "rollouts.json").read_text()) for folder in runs)
    assert len(one) == 1
    assert len(two) == 2

    def groups(processes):
        found = defaultdict(list)
        for rank, rows in enumerate(processes):
            for sample, text in rows:
                found[sample].append((rank, text))
        return found

    alone, together = groups(one), groups(two)
    assert alone.keys() == together.keys()
    for sample, rows in together.items():
        assert len(rows) % 2 == 0
        assert sorted(text for _, text in rows) == sorted(text for _, text in alone[sample])
    assert {len(rows) for rows in two} == {4}


def test_sharing_out_the_optimizer_changes_no_bit(runs, tmp_path):
    sharded = run(tmp_path / "sharded", 2, "zero1")
    found, expected = (
        torch.load(folder / "last.ckpt", weights_only=True) for folder in (sharded, runs[1])
    )
    assert found["state_dict"].keys() == expected["state_dict"].keys()
    for name, weight in expected["state_dict"].items():
        assert torch.equal(found["state_dict"][name], weight), name
    (ours,), (whole,) = (each["optimizer_states"] for each in (found, expected))
    assert ours["state"].keys() == whole["state"].keys()  # a checkpoint has the states of all
    for number, state in whole["state"].items():
        for name, value in state.items():
            assert torch.equal(ours["state"][number][name], value), (number, name)
    here = json.loads((sharded / "states.json").read_text())
    everywhere = json.loads((runs[1] / "states.json").read_text())
    assert all(0 < kept < everywhere[0] for kept in here)


def test_gradients_travel_in_several_messages(monkeypatch):
    from grit import processes

    monkeypatch.setattr(processes, "count", lambda: 2)
    messages = []

    def doubled(flat):
        messages.append(flat.numel())
        flat *= 2

    monkeypatch.setattr(processes.dist, "all_reduce", doubled)
    monkeypatch.setattr(processes, "BUCKET", 40)
    parameters = [torch.nn.Parameter(torch.ones(n)) for n in (4, 7, 3, 20, 2)]
    for parameter in parameters[1:]:
        parameter.grad = torch.full_like(parameter, 3.0)
    processes.sum_gradients(parameters)
    assert messages == [11, 23, 2]
    assert [parameter.grad.unique().item() for parameter in parameters] == [0, 6, 6, 6, 6]


def test_the_command_runs_on_two_processes(tmp_path):
    """Both answer half of the questions; the first scores them, and writes one folder."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "grit"]
    choices = ["experiment=smoke", "trainer=ddp", "trainer.accelerator=cpu", "threads=1"]
    done = subprocess.run(
        [sys.executable, *launch, *choices, "hydra.run.dir=run"],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert {name: found["n"] for name, found in results["sets"].items()} == dict.fromkeys(
        ("vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd"), 2
    )
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 2
