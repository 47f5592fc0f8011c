"""Which checkpoints are kept, what they hold, and going on from them."""

import json
import os
import signal

import pytorch_lightning as pl
import torch
from learners import fit, learnt, module, without_times

from grit.training.checkpoints import Checkpoints, latest


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
    rows = fit(resumed, folder, resume=last)
    assert without_times(rows) == without_times(expected)
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 3
