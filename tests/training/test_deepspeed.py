"""DeepSpeed's ZeRO stage 2 on two processes (gloo, CPU) takes the same steps as one process."""

import pytest
from composing import config
from launched import (
    ONE_PASS,
    assert_model_is_whole,
    assert_same_bits,
    assert_same_update,
    command,
    of_processes,
    steps,
)
from warmed import server

from grit.core.errors import GritError
from grit.runs import early

pytestmark = pytest.mark.slow

TOKENS = 175  # of a pass: two groups of one process fit, those of the other do not
ZERO2 = "deepspeed_zero2"


@pytest.fixture(scope="module", autouse=True)
def optimizers():
    """What DeepSpeed imports when it is given an optimiser: half of torch's compiler."""
    server().load("deepspeed.runtime.zero.muon.muon_optimizer")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return steps(tmp_path_factory.mktemp("run"), 2, ZERO2, tokens_per_pass=TOKENS)


def test_the_update_is_the_same(run, tmp_path):
    alone = steps(tmp_path / "one", 1)
    assert_same_update(run, alone)
    (whole,) = of_processes(alone, "states")
    assert all(0 < part < 0.6 * whole for part in of_processes(run, "states"))


def test_a_resumed_run_is_the_same_to_the_bit(run, tmp_path):
    folder = steps(tmp_path, 2, ZERO2, tokens_per_pass=TOKENS, stop_after=1)
    resumed = steps(folder, 2, ZERO2, tokens_per_pass=TOKENS, resume=True)
    assert_same_bits(resumed, run)


def test_lora_on_a_bf16_base(tmp_path):
    options = {"lora": True, "updates_per_rollout": 2, "tokens_per_pass": ONE_PASS}
    ours = steps(tmp_path / "zero2", 2, ZERO2, **options)
    assert_same_update(ours, steps(tmp_path / "ddp", 2, **options))


def test_the_command_runs_to_the_end(tmp_path):
    assert_model_is_whole(command(tmp_path, f"trainer={ZERO2}"))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(early, "find_spec", lambda name: None)
    with pytest.raises(GritError, match="needs the package deepspeed: pip install"):
        early.check_early(config(f"trainer={ZERO2}", "trainer.devices=2"))
    early.check_early(config(f"trainer={ZERO2}", "logger=none"))  # a process alone needs none
