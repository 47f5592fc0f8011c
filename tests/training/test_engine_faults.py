"""Training by an engine elsewhere: what a server's fault leaves, and that a run goes on from it."""

import pytest
import torch
from fake_vllm import FakeVLLM
from learners import SAMPLES, module

from grit.core import processes
from grit.core.errors import Resumable
from grit.models.prompting import Prompting
from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_server import VLLMServer
from grit.training.checkpoints import latest
from grit.training.fitting import fit
from grit.training.settings import TrainerSettings

STEPS = 3
TRAINER = TrainerSettings(max_steps=STEPS, accelerator="cpu", progress_bar=False)


class Run:
    """A learner whose completions come from a fake server of its own model."""

    def __init__(self, folder):
        self.folder = folder
        self.learner = module(max_steps=STEPS, prompts_per_step=2, group_size=2)
        adapter = self.learner.adapter
        self.fake = FakeVLLM(adapter, [Prompting().encode(each, adapter) for each in SAMPLES])
        self.engine = VLLM(adapter, [VLLMServer(self.fake.url, 30.0)], folder)
        self.learner.engine = self.learner.rollouts.engine = self.engine

    def train(self, checkpoint=None):
        try:
            fit(
                self.learner,
                SAMPLES,
                TRAINER,
                seed=0,
                folder=self.folder,
                checkpoint=checkpoint,
                resume_command="the same again",
                loggers=[],
                callbacks=[],
            )
        finally:
            self.close()

    def close(self):
        self.engine.close()
        self.fake.close()

    def weights(self):
        return {n: p for n, p in self.learner.model.named_parameters() if p.requires_grad}


def dies_in_step(fake, step):
    """From its ``step``-th version on the server answers with the weights before it."""
    answer = fake.answer

    def answering(path, asked):
        if path == "/finish_weight_update" and fake.paths().count(path) >= step:
            return {}
        return answer(path, asked)

    fake.answer = answering


def test_a_run_goes_on_from_the_checkpoint_of_a_fault(tmp_path):
    whole = Run(tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    whole.train()
    assert whole.fake.paths().count("/finish_weight_update") == STEPS

    stopped = Run(tmp_path / "stopped")
    (tmp_path / "stopped").mkdir()
    dies_in_step(stopped.fake, 2)
    with pytest.raises(Resumable, match=r"weights of version .*step 1 of 3; go on with: the same"):
        stopped.train()
    checkpoint = latest(tmp_path / "stopped" / "checkpoints")
    assert checkpoint.name == "step-000001.ckpt"

    resumed = Run(tmp_path / "stopped")
    resumed.train(checkpoint)
    assert resumed.fake.paths().count("/finish_weight_update") == STEPS - 1
    expected = whole.weights()
    for name, weight in resumed.weights().items():
        torch.testing.assert_close(weight, expected[name], atol=0, rtol=0)


def test_ranks_begin_at_different_servers(tmp_path, monkeypatch):
    run = Run(tmp_path)
    second = FakeVLLM(run.learner.adapter)
    second.prompts = run.fake.prompts
    servers = [VLLMServer(each.url, 30.0) for each in (run.fake, second)]
    with VLLM(run.learner.adapter, servers, tmp_path) as engine:
        engine.update(0, run.learner.model.state_dict)
        monkeypatch.setattr(processes, "rank", lambda: 1)
        prompts = list(run.fake.prompts.values())[:1]
        engine.sample(prompts, [[0]], run.learner.rollout.sampling)
        asked = [each.paths().count("/inference/v1/generate") for each in (run.fake, second)]
        assert asked == [0, 1]
        engine.update(1, dict)  # this rank sends nothing
    run.close()
    second.close()


def test_the_model_stays_on_its_device_after_training(tmp_path, monkeypatch):
    """Lightning's teardown would take it to the CPU, also from a GPU."""
    run, moves = Run(tmp_path), []
    device = run.learner.adapter.device
    for name in ("cpu", "to"):
        moved = getattr(type(run.learner), name)

        def moving(self, *where, moved=moved):
            moves.append(where)
            return moved(self, *where)

        monkeypatch.setattr(type(run.learner), name, moving)
    run.train()
    assert set(moves) <= {(device,)}  # () would be a move by cpu()
    assert run.learner.trainer.strategy.optimizers == []
    assert all(parameter.grad is None for parameter in run.learner.parameters())
