"""Two processes (gloo, CPU) take the same step as one with the same prompts."""

import json
import os
import subprocess
import sys
from collections import defaultdict

import pytest
import torch
import torch.distributed as dist
from launched import SMOKE, assert_same_bits, gradients, metrics, of_processes, steps
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.optim import ZeroRedundancyOptimizer

from grit.training.layouts.data_parallel import ShardedOptimizer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return steps(folder / "one", 1), steps(folder / "two", 2)


def test_the_gradient_is_the_same(runs):
    one, two = map(gradients, runs)
    assert one.keys() == two.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in one.values())
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_the_metrics_are_those_of_all_completions(runs):
    one, two = map(metrics, runs)
    assert len(one) == len(two) == 2
    for alone, together in zip(one, two, strict=True):
        assert alone.keys() == together.keys()
        for name, value in alone.items():
            assert together[name] == pytest.approx(value, abs=2e-5), name


def test_groups_never_cross_processes_and_completions_are_the_same(runs):
    one, two = (of_processes(folder, "rollouts") for folder in runs)
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
    shared = steps(tmp_path / "shared", 2, "zero1")
    assert_same_bits(shared, runs[1])  # a checkpoint has the states of all
    here, everywhere = (of_processes(folder, "states") for folder in (shared, runs[1]))
    assert all(0 < kept < everywhere[0] for kept in here)


LATE = "--shutdown-timeout=900"  # as docs/how_to/several_gpus.md has it


@pytest.mark.parametrize(
    ("number", "nodes", "words"),
    [
        (1, 1, "python"),
        (8, 1, f"torchrun --standalone --nproc_per_node=8 {LATE}"),
        (
            8,
            2,
            f"torchrun --nnodes=2 --node-rank=N --master-addr=HOST --nproc_per_node=4 {LATE}",
        ),
    ],
)
def test_a_command_to_go_on_starts_as_many_processes(monkeypatch, number, nodes, words):
    from grit.core import processes

    monkeypatch.setattr(processes, "world_size", lambda: number)
    monkeypatch.setenv("GROUP_WORLD_SIZE", str(nodes))
    assert processes.launcher() == words.split()


def test_gradients_travel_in_several_messages(monkeypatch):
    from grit.core import processes

    monkeypatch.setattr(processes, "world_size", lambda: 2)
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


def test_torchrun_runs_the_command_on_two_processes(tmp_path):
    """Both answer half of the questions; the first scores them, and writes one folder."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    done = subprocess.run(
        [sys.executable, *torchrun, "-m", "grit", *SMOKE, "trainer=ddp"],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    run = tmp_path / "run"
    results = json.loads((run / "results.json").read_text())
    assert {name: found["n"] for name, found in results["sets"].items()} == dict.fromkeys(
        ("vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd"), 2
    )
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "place"), [(ShardedOptimizer, "cuda:0"), (ZeroRedundancyOptimizer, "cpu")]
)
def test_a_loaded_step_count_lies_beside_its_parameter(kind, place):
    """Fused AdamW refuses one on the CPU, where torch's own class still puts it."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        with FakeTensorMode():  # tensors without data, also of a GPU that is not there
            weight = torch.nn.Parameter(torch.zeros(3, device="cuda"))
            optimizer = kind([weight], torch.optim.AdamW, lr=1e-3)
            moments = {name: torch.zeros(3, device="cuda") for name in ("exp_avg", "exp_avg_sq")}
            state = {0: {"step": torch.tensor(2.0), **moments}}
            groups = [{**optimizer.param_groups[0], "params": [0]}]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
            assert str(optimizer.optim.state[weight]["step"].device) == place
            if kind is ShardedOptimizer:
                assert not optimizer.state  # torch's own class has all states there once more
    finally:
        dist.destroy_process_group()
