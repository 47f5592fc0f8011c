"""FSDP on two processes (gloo, CPU) takes the same steps as one process with all weights."""

import shutil

import pytest
from launched import (
    ONE_PASS,
    assert_model_is_whole,
    assert_same_bits,
    assert_same_update,
    close,
    command,
    gradients,
    of_processes,
    steps,
)

pytestmark = pytest.mark.slow

# Two groups of one process fit into a pass of so many tokens, those of the other do not.
TOKENS = 175


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return steps(folder / "one", 1), steps(folder / "two", 2, "fsdp", tokens_per_pass=TOKENS)


def test_the_update_is_the_same(runs):
    one, two = runs
    alone, together = gradients(one), gradients(two)
    assert alone.keys() == together.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in alone.values())
    for name, gradient in alone.items():
        close(together[name], gradient, name, atol=1e-5)
    assert_same_update(two, one)


@pytest.fixture(scope="module", params=["tiny:qwen3-random", "replica"])
def deepstack(request, replica, tmp_path_factory):
    """A model whose images enter later layers too, and its run of one process."""
    model = str(replica("qwen3")) if request.param == "replica" else request.param
    return model, steps(tmp_path_factory.mktemp("deepstack"), 1, model=model)


@pytest.mark.parametrize("strategy", ["fsdp", "zero1"])
def test_images_that_enter_later_layers_too_give_the_same_update(deepstack, tmp_path, strategy):
    model, one = deepstack
    two = steps(tmp_path / "two", 2, strategy, tokens_per_pass=TOKENS, model=model)
    alone, together = gradients(one), gradients(two)
    assert alone.keys() == together.keys()
    assert any(gradient.abs().max() > 1e-3 for gradient in alone.values())
    for name, gradient in alone.items():
        close(together[name], gradient, name, atol=1e-5)
    assert_same_update(two, one)


def test_processes_run_the_same_number_of_passes(runs):
    for step in zip(*of_processes(runs[1], "passes"), strict=True):
        first, second = ([counts for _, counts in passes] for passes in step)
        assert [first, second] == [[True, True], [True, False]]


def test_rollouts_know_that_layers_are_fetched(runs):
    """CUDA graphs would have to hold that; the weights look whole while rollouts last."""
    alone, together = (of_processes(run, "in_one_piece") for run in runs)
    assert (alone, together) == ([True], [False, False])


def test_each_process_keeps_a_part_of_the_states(runs):
    (whole,) = of_processes(runs[0], "states")
    assert all(0 < part < 0.6 * whole for part in of_processes(runs[1], "states"))


@pytest.fixture(scope="module")
def lora(tmp_path_factory):
    """A run of two updates a step, and one that is stopped after the first step."""
    folder = tmp_path_factory.mktemp("lora")
    options = {"lora": True, "updates_per_rollout": 2, "tokens_per_pass": ONE_PASS}
    straight = steps(folder / "straight", 2, "fsdp", **options)
    stopped = steps(folder / "stopped", 2, "fsdp", **options, stop_after=1)
    return options, straight, stopped


def test_lora_on_a_bf16_base(lora, tmp_path):
    """With dropout, gradient checkpointing, and layers of two types of numbers."""
    options, straight, _ = lora
    assert_same_update(straight, steps(tmp_path / "ddp", 2, **options))


def test_lora_in_several_passes(tmp_path):
    """One process repeats a pass, in which other random numbers are drawn for dropout."""
    options = {"lora": True, "base": "float32", "updates_per_rollout": 2, "tokens_per_pass": TOKENS}
    ours = steps(tmp_path / "fsdp", 2, "fsdp", **options)
    assert not all(counts for one in of_processes(ours, "passes")[1] for _, counts in one)
    assert_same_update(ours, steps(tmp_path / "ddp", 2, **options))


def test_a_resumed_run_is_the_same_to_the_bit(lora, tmp_path):
    options, straight, stopped = lora
    resumed = shutil.copytree(stopped, tmp_path / "resumed")
    assert_same_bits(steps(resumed, 2, "fsdp", **options, resume=True), straight)


def test_a_checkpoint_is_that_of_any_layout(lora, tmp_path):
    options, straight, stopped = lora
    resumed = shutil.copytree(stopped, tmp_path / "resumed")
    assert_same_update(steps(resumed, 2, "zero1", **options, resume=True), straight)


@pytest.mark.parametrize(
    "choices", [[], ["model=tiny_qwen3"], ["model=tiny_internvl", "method=sft"]], ids=str
)
def test_the_command_runs_to_the_end(tmp_path, choices):
    assert_model_is_whole(command(tmp_path, "trainer=fsdp", *choices))
