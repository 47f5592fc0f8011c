"""Several processes with a server: each asks for its own prompts, one sends the weights."""

import pytest
import torch
from fake_vllm import FakeVLLM
from launched import gradients, metrics, steps
from safetensors.torch import load_file

from grit.data.shapes.source import ShapesSource
from grit.models.loading import load_base
from grit.models.prompting import Prompting

pytestmark = pytest.mark.slow


@pytest.fixture
def fake():
    adapter = load_base("tiny:qwen-random", seed=0)
    samples = [*ShapesSource("vsr", "train", 3), *ShapesSource("tallyqa", "train", 2)]
    made = FakeVLLM(adapter, [Prompting().encode(sample, adapter) for sample in samples])
    answer, made.sent = made.answer, []

    def noted(path, asked):
        if path == "/update_weights":
            made.sent.append(load_file(asked["update_info"]["path"]))
        return answer(path, asked)

    made.answer = noted
    yield made
    made.close()


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_take_the_step_of_one(fake, tmp_path, strategy):
    one = steps(tmp_path / "one", 1, "auto", url=fake.url)
    alone, fake.sent = fake.sent, []
    asked = fake.paths().count("/inference/v1/generate")
    two = steps(tmp_path / "two", 2, strategy, url=fake.url)
    assert len(alone) == len(fake.sent) == 2  # once a step
    assert fake.paths().count("/inference/v1/generate") == 2 * asked == 2 * 2 * 4 * 2
    for ours, theirs in zip(fake.sent, alone, strict=True):
        assert ours.keys() == theirs.keys()
        for name, weight in theirs.items():
            torch.testing.assert_close(ours[name], weight, atol=1e-4, rtol=0)
    expected = gradients(one)
    for name, gradient in gradients(two).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=0)
    for row, other in zip(metrics(two), metrics(one), strict=True):
        assert row["train/importance_mean"] == pytest.approx(
            other["train/importance_mean"], abs=1e-4
        )


def test_a_fault_that_one_process_meets_ends_both(fake, tmp_path):
    prompts = list(fake.prompts.values())
    fake.change = lambda answer: (
        answer
        if answer["prompt_token_ids"] != prompts[0].input_ids.tolist()
        else {**answer, "choices": []}
    )
    with pytest.raises(AssertionError, match="answers in another form"):
        steps(tmp_path / "two", 2, "ddp", url=fake.url)
    assert list((tmp_path / "two").glob("step-*.ckpt"))  # of the steps before
