"""Which checkpoints are kept, what they hold, and going on from them."""

import json
import os
import signal
import time

import pytest
import pytorch_lightning as pl
import torch
from learners import fit, learnt, likes_letters, module, without_times

from grit.core.errors import Resumable
from grit.training.checkpoints import CheckpointFiles, Checkpoints, latest


def test_the_last_two_checkpoints_are_kept(tmp_path):
    fit(module(max_steps=3), tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=1)])
    kept = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert kept == ["step-000002.ckpt", "step-000003.ckpt"]


def test_checkpoints_hold_only_what_learns(tmp_path):
    one = module(lora=True, max_steps=1)
    fit(one, tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=1)])
    state = torch.load(latest(tmp_path / "c"), weights_only=True)["state_dict"]
    assert state
    assert all("lora_" in name for name in state)


def test_at_the_end_nothing_is_moved_and_no_states_are_kept(tmp_path, monkeypatch):
    """Lightning would copy weights, gradients and AdamW's states into the host's memory."""
    one = module(max_steps=1)
    monkeypatch.setattr(type(one), "cpu", None)
    fit(one, tmp_path)
    strategy = one.trainer.strategy
    assert (strategy.optimizers, strategy.lr_scheduler_configs) == ([], [])


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    whole = module()
    expected = fit(whole, tmp_path / "whole")

    class Interrupt(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if batch_idx == 1:
                os.kill(os.getpid(), signal.SIGINT)

    folder = tmp_path / "stopped"
    checkpoints = Checkpoints(folder / "c", every=100)
    fit(module(), folder, callbacks=[Interrupt(), checkpoints])
    assert checkpoints.interrupted
    last = latest(folder / "c")
    assert last.name == "step-000002.ckpt"

    resumed = module()
    rows = fit(resumed, folder, resume=last, plugins=[CheckpointFiles(mapped=True)])
    assert without_times(rows) == without_times(expected)
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 3


class Hangs:
    """A reward term that is told to stop in one of its calls, and takes long over it."""

    def __init__(self, call):
        self.call, self.calls = call, 0

    def __call__(self, response):
        self.calls += 1
        if self.calls == self.call:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return likes_letters(response)


@pytest.mark.parametrize("step", [0, 1])
def test_a_step_that_takes_too_long_to_stop_is_given_up(tmp_path, step):
    """It is done again: nothing of it has happened."""
    folder, begun = tmp_path / "stopped", time.monotonic()
    checkpoints = Checkpoints(folder / "c", every=100, stop_within=0.5)
    with pytest.raises(Resumable, match=r"did not end in 0\.5 s: given up"):
        fit(module(Hangs(16 * step + 1), max_steps=2), folder, callbacks=[checkpoints])
    assert time.monotonic() - begun < 45
    last = latest(folder / "c")
    assert last.name == f"step-{step:06d}.ckpt"
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    resumed, whole = module(max_steps=2), module(max_steps=2)
    rows = fit(resumed, folder, resume=last)
    assert without_times(rows) == without_times(fit(whole, tmp_path / "whole"))
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name


def test_a_step_that_has_begun_to_learn_is_not_given_up(tmp_path):
    """Two updates a rollout: between them nothing can be taken back."""

    class Interrupt(pl.Callback):
        def on_before_optimizer_step(self, trainer, pl_module, optimizer):
            if trainer.global_step == 2:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)

    checkpoints = Checkpoints(tmp_path / "c", every=100, stop_within=0.2)
    one = module(max_steps=4, updates_per_rollout=2)
    fit(one, tmp_path, callbacks=[Interrupt(), checkpoints])
    assert checkpoints.interrupted
    assert latest(tmp_path / "c").name == "step-000002.ckpt"
