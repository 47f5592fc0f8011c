"""The whole step on real tiny models, under the real Trainer."""

import contextlib
import json
import os
import signal
import threading
from dataclasses import fields

import pytest
import pytorch_lightning as pl
import torch

from grit.data.datamodule import PromptModule
from grit.data.shapes.source import ShapesSource
from grit.errors import GritError
from grit.judge.judge import JudgeFailed
from grit.judge.rules import RulesJudge
from grit.judge.usage import Usage
from grit.models.loading import Lora, add_lora, freeze_vision, load_base
from grit.models.prompting import Prompting
from grit.reporting.metrics_log import MetricsLog
from grit.rewards.reward import Reward
from grit.rollout.choice import Sampling
from grit.training.checkpoints import Checkpoints, latest
from grit.training.grpo_gr import grpo_gr_loss
from grit.training.learner import Optimization
from grit.training.module import GRPOGR, GRPOSettings
from grit.training.sft import FewShotSFT

SAMPLES = [*ShapesSource("vsr", "train", 3), *ShapesSource("tallyqa", "train", 3)]


def likes_letters(response):
    """Share of letters: something a random model says already and can learn to say more often."""
    text = response.trace.text
    return sum(c.isalpha() for c in text) / max(len(text), 1)


def unjudged(response):
    return None


class Service:
    """A judge that costs something, and may give up."""

    name = model = "service"
    trouble = None
    max_failure_rate = 0.5

    def score(self, queries):
        return [None] * len(queries)

    def take_usage(self):
        return Usage(calls=3, cache_hits=1, seconds=1.5, prompt_tokens=30, cost=None)


def module(term=likes_letters, lora=False, judge=None, **changes):
    adapter = load_base("tiny:qwen-random", seed=0)
    if lora:
        add_lora(adapter, Lora(8, 16, 0.0, ["q_proj", "v_proj"]), with_vision=False)
    else:
        freeze_vision(adapter)
    adapter.model.train()
    reward = Reward({"term": (term, 1.0)}, [])
    names = {field.name for field in fields(GRPOSettings)}
    settings = GRPOSettings(
        **{"sampling": Sampling(max_new_tokens=8)}
        | {name: value for name, value in changes.items() if name in names}
    )
    optimization = Optimization(
        **{"max_steps": 4, "learning_rate": 5e-3}
        | {name: value for name, value in changes.items() if name not in names}
    )
    return GRPOGR(adapter, Prompting(), reward, judge or RulesJudge(), settings, optimization)


def fit(one, folder, *, steps=None, resume=None, callbacks=(), prompts=4):
    steps = steps or one.optimization.max_steps
    metrics = MetricsLog(folder / "metrics.jsonl")
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=metrics,
        callbacks=list(callbacks),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    data = PromptModule(SAMPLES, prompts_per_step=prompts, max_steps=steps, seed=0)
    trainer.fit(one, data, ckpt_path=resume, weights_only=True)
    return metrics.rows()


def learnt(one):
    return {n: p.detach().clone() for n, p in one.model.named_parameters() if p.requires_grad}


def test_thirty_steps_raise_a_reward_that_a_random_model_can_earn(tmp_path):
    rows = fit(module(max_steps=30), tmp_path)
    rewards = [row["train/reward"] for row in rows]
    assert len(rewards) == 30
    first, last = sum(rewards[:5]) / 5, sum(rewards[-5:]) / 5
    assert 1 - last < 0.6 * (1 - first)  # 1 is the most that can be earned


def test_every_step_logs_what_it_should(tmp_path):
    row = fit(module(max_steps=1), tmp_path)[0]
    expected = [
        "reward", "reward_std", "reward_part/term", "reward_part/shapes_tallyqa/term", "loss", "kl",
        "entropy", "grad_norm", "learning_rate", "advantage_std", "groups_without_variance",
        "completion_tokens", "truncated", "boxes", "judge_failures", "seconds/rollout",
        "seconds/reward", "seconds/update", "seconds/step", "tokens_per_second",
    ]  # fmt: skip
    assert {f"train/{name}" for name in expected} <= row.keys()
    assert row["step"] == 0


def test_a_step_logs_nothing_of_another_step(tmp_path):
    rows = fit(module(max_steps=4), tmp_path, prompts=1)
    for row in rows:
        (dataset,) = (name for name in row if name.startswith("train/reward/"))
        assert row[dataset] == row["train/reward"]
    assert len({name for row in rows for name in row if name.startswith("train/reward/")}) == 2


def test_frozen_weights_stay_and_the_others_move(tmp_path):
    one = module(max_steps=1)
    before = {n: p.detach().clone() for n, p in one.model.named_parameters()}
    fit(one, tmp_path)
    moved = {n for n, p in one.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved
    assert not any("visual" in name for name in moved)


def test_the_reference_is_the_model_before_training(tmp_path):
    """KL is 0 in the first step and grows; the copy shares the weights that do not learn."""
    one = module(max_steps=3, learning_rate=1e-2)
    assert one.reference is not None
    copied = dict(one.reference.policy.adapter.model.named_parameters())
    for name, parameter in one.model.named_parameters():
        assert (copied[name] is parameter) == (not parameter.requires_grad)
    rows = fit(one, tmp_path)
    assert rows[0]["train/kl"] == pytest.approx(0, abs=1e-6)
    assert rows[2]["train/kl"] > 1e-4


def test_lora_needs_no_second_model(tmp_path):
    one = module(lora=True, max_steps=3, learning_rate=1e-2)
    assert one.reference.policy.adapter.model is one.adapter.model
    rows = fit(one, tmp_path)
    assert rows[0]["train/kl"] == pytest.approx(0, abs=1e-6)
    assert rows[2]["train/kl"] > 1e-5


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens_per_pass": 1},
        {"share_prompt": False},
        {"share_prefill": False},
        {"compact_rollout": False},
        {"decode": "static"},
        {"tokens_per_chunk": 0},
        {"tokens_per_chunk": 3},
    ],
    ids=str,
)
def test_micro_batches_and_layouts_give_the_same_update(tmp_path, changes):
    def gradients(one, folder):  # not weights: Adam would blow rounding up to its step size
        found = {}

        def instead_of_a_step():
            named = one.model.named_parameters()
            found.update({n: p.grad.clone() for n, p in named if p.grad is not None})
            one.optimizers().step()
            return 0.0

        one.optimizer_step_with_clipping = instead_of_a_step
        fit(one, folder)
        return found

    expected = gradients(module(max_steps=1), tmp_path / "a")
    found = gradients(module(max_steps=1, **changes), tmp_path / "b")
    assert any(gradient.abs().max() > 1e-3 for gradient in expected.values())
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_a_gradient_that_is_no_number_ends_training_before_the_step(tmp_path):
    one = module()
    weights = {name: p.detach().clone() for name, p in one.model.named_parameters()}
    one.learning()[0].register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(GritError, match=r"diverged.*training\.learning_rate"):
        fit(one, tmp_path)
    for name, parameter in one.model.named_parameters():
        assert torch.equal(parameter, weights[name])


@pytest.mark.parametrize(
    ("full", "setting"),
    [
        ("sampler._complete", "training.tokens_per_rollout_batch"),
        ("reference.policy.logp", "training.tokens_per_pass"),
        ("policy.scores", "training.tokens_per_pass"),
    ],
)
def test_where_the_memory_of_a_gpu_is_full_the_setting_that_makes_room_is_named(
    tmp_path, monkeypatch, full, setting
):
    def refuse(*arguments):
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.18"
            " GiB of which 1.05 GiB is free. See documentation for Memory Management"
        )

    one = module()
    *owners, name = full.split(".")
    owner = one
    for part in owners:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(GritError) as caught:
        fit(one, tmp_path)
    assert str(caught.value) == (
        "the GPU's memory is full (CUDA out of memory. Tried to allocate 2.00 GiB.): "
        f"lower {setting}"
    )


def test_several_updates_a_rollout_clip_against_the_old_policy(tmp_path, monkeypatch):
    import grit.training.module as module_file

    ratios = []

    def spy(logp, old_logp, *arguments, **options):
        ratios.append((logp - old_logp).abs().max().item())
        return grpo_gr_loss(logp, old_logp, *arguments, **options)

    monkeypatch.setattr(module_file, "grpo_gr_loss", spy)
    fit(module(max_steps=1, updates_per_rollout=3), tmp_path)
    # Twice an update: for the gradient of lm_head, and for the loss.
    assert max(ratios[:2]) < 1e-5 < min(ratios[2:])


def test_a_step_that_nobody_could_judge_changes_nothing(tmp_path):
    one = module(unjudged, max_steps=1)
    before = learnt(one)
    row = fit(one, tmp_path)[0]
    assert row["train/judge_failures"] == 16
    for name, weight in learnt(one).items():
        assert torch.equal(weight, before[name]), name


def without_times(rows):
    return [
        {k: v for k, v in row.items() if "seconds" not in k and "per_second" not in k}
        for row in rows
    ]


def test_what_the_judge_was_used_for_is_logged(tmp_path):
    row = fit(module(judge=Service(), max_steps=1), tmp_path)[0]
    logged = {k: v for k, v in row.items() if k.startswith("train/judge/")}
    assert logged == {
        "train/judge/calls": 3, "train/judge/cache_hits": 1, "train/judge/by_rule": 0,
        "train/judge/failures": 0, "train/judge/seconds": 1.5, "train/judge/latency": 0.5,
        "train/judge/prompt_tokens": 30, "train/judge/completion_tokens": 0,
    }  # fmt: skip


class FailsAt:
    """A term that nobody can judge in the steps from ``first`` on, of 16 completions each."""

    def __init__(self, first, last=10**6):
        self.first, self.last, self.scored = first, last, 0

    def __call__(self, response):
        if response.judged is None:  # not yet asked
            return None
        step, self.scored = self.scored // 16, self.scored + 1
        return None if self.first <= step <= self.last else likes_letters(response)


class Says(Service):
    """Scores everything."""

    def score(self, queries):
        return [1.0] * len(queries)


def test_a_step_without_a_judge_is_skipped_and_said(tmp_path, caplog):
    rows = fit(module(FailsAt(1, 1), judge=Says(), max_steps=3), tmp_path)
    assert [row["train/judge_failures"] for row in rows] == [0, 16, 0]
    assert ["train/loss" in row for row in rows] == [True, False, True]
    assert [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()] == [
        "no completion of this step could be judged: it is skipped"
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_too_many_failures_stop_with_a_checkpoint_to_go_on_from(tmp_path, first):
    """The step that could not be judged is done again: nothing of it has happened."""
    judge = Says()
    judge.max_failure_rate = 0.4
    checkpoints = Checkpoints(tmp_path / "c", every=100)
    with pytest.raises(JudgeFailed, match=f"16 of {16 * first + 16} answers.*max_failure_rate=0.4"):
        fit(module(FailsAt(first), judge=judge, max_steps=2), tmp_path, callbacks=[checkpoints])
    last = latest(tmp_path / "c")
    assert last.name == f"step-{first:06d}.ckpt"
    resumed, whole = (module(judge=Says(), max_steps=2) for _ in range(2))
    rows = fit(resumed, tmp_path, resume=last)
    assert without_times(rows) == without_times(fit(whole, tmp_path / "whole"))
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name


def test_a_judge_that_gave_up_stops_at_once(tmp_path):
    judge = Says()
    judge.trouble = "the quota is exhausted"
    with pytest.raises(JudgeFailed, match="gave up: the quota is exhausted"):
        fit(module(judge=judge), tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=100)])
    assert latest(tmp_path / "c").name == "step-000000.ckpt"


def test_the_judge_is_asked_while_the_reference_computes(tmp_path):
    """Neither waits for the other to end: each waits for the other to have begun."""
    meeting = threading.Barrier(2, timeout=60)

    def meets(response):
        if not meeting.broken:
            meeting.wait()
            meeting.abort()
        return likes_letters(response)

    one = module(meets, max_steps=1)
    reference_logp = one._reference_logp

    def meets_too(groups):
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait()
        return reference_logp(groups)

    one._reference_logp = meets_too
    fit(one, tmp_path)


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


def test_few_shot_sft_learns_its_traces(tmp_path):
    adapter = load_base("tiny:qwen-random", seed=0)
    freeze_vision(adapter)
    adapter.model.train()
    learner = FewShotSFT(adapter, Prompting(), Optimization(max_steps=12, learning_rate=1e-2))
    losses = [row["train/loss"] for row in fit(learner, tmp_path)]
    assert losses[-1] < losses[0] - 2


def test_traces_end_as_turns_of_the_chat_do():
    """Qwen has another id that ends texts, a smaller one."""
    adapter = load_base("tiny:qwen-random", seed=0)
    end = adapter.tokenizer.eos_token_id
    adapter.plain.generation_config.eos_token_id = [end, end - 1]
    assert adapter.end_ids == {end, end - 1}
    learner = FewShotSFT(adapter, Prompting(), Optimization(max_steps=1, learning_rate=1.0))
    (trace,) = learner._group(ShapesSource("vsr", "train", 1)[0]).completions
    assert trace[-1] == end
