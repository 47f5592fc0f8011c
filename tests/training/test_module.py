"""The whole step on real tiny models, under the real Trainer."""

import contextlib
import threading

import pytest
import torch
from learners import Service, fit, gradients, likes_letters, module

from grit.rollout.engine import Completion
from grit.rollout.settings import Sampling
from grit.training.grpo_gr import grpo_gr_loss


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
        "entropy", "clip_ratio_low", "clip_ratio_high",
        "grad_norm", "learning_rate", "advantage_std", "groups_without_variance",
        "completion_tokens", "truncated", "boxes", "judge_failures", "seconds/rollout",
        "seconds/reward", "seconds/update", "seconds/step", "tokens_per_second",
        "clip_ratio_low", "clip_ratio_high",
    ]  # fmt: skip
    assert {f"train/{name}" for name in expected} <= row.keys()
    assert row["step"] == 0


@pytest.mark.parametrize(("warmup", "told"), [(0, False), (2, False), (3, True)])
def test_a_warm_up_longer_than_the_training_is_told(warmup, told, caplog):
    module(max_steps=3, warmup_steps=warmup).configure_optimizers()
    says = "training.warmup_steps=3 of 3 steps: the learning rate never reaches"
    assert (says in caplog.text) == told


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
    copied = dict(one.reference.adapter.model.named_parameters())
    for name, parameter in one.model.named_parameters():
        assert (copied[name] is parameter) == (not parameter.requires_grad)
    rows = fit(one, tmp_path)
    assert rows[0]["train/kl"] == pytest.approx(0, abs=1e-6)
    assert rows[2]["train/kl"] > 1e-4


def test_lora_needs_no_second_model(tmp_path):
    one = module(lora=True, max_steps=3, learning_rate=1e-2)
    assert one.reference.adapter.model is one.adapter.model
    rows = fit(one, tmp_path)
    assert rows[0]["train/kl"] == pytest.approx(0, abs=1e-6)
    assert rows[2]["train/kl"] > 1e-5


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens_per_pass": 1},
        {"share_prompt": False},
        {"share_prefill": False},
        {"compact": False},
        {"decode": "static"},
        {"tokens_per_chunk": 0},
        {"tokens_per_chunk": 3},
    ],
    ids=str,
)
def test_micro_batches_and_layouts_give_the_same_update(tmp_path, changes):
    expected = gradients(module(max_steps=1), tmp_path / "a")
    found = gradients(module(max_steps=1, **changes), tmp_path / "b")
    assert any(gradient.abs().max() > 1e-3 for gradient in expected.values())
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_several_updates_a_rollout_clip_against_the_old_policy(tmp_path, monkeypatch):
    import grit.training.step_loss as loss_file

    ratios = []

    def spy(logp, old_logp, *arguments, **options):
        ratios.append((logp - old_logp).abs().max().item())
        return grpo_gr_loss(logp, old_logp, *arguments, **options)

    monkeypatch.setattr(loss_file, "grpo_gr_loss", spy)
    fit(module(max_steps=1, updates_per_rollout=3), tmp_path)
    # Twice an update: for the gradient of lm_head, and for the loss.
    assert max(ratios[:2]) < 1e-5 < min(ratios[2:])


def test_what_the_judge_was_used_for_is_logged(tmp_path):
    row = fit(module(judge=Service(), max_steps=1), tmp_path)[0]
    logged = {k: v for k, v in row.items() if k.startswith("train/judge/")}
    assert logged == {
        "train/judge/calls": 3, "train/judge/cache_hits": 1, "train/judge/by_rule": 0,
        "train/judge/failures": 0, "train/judge/seconds": 1.5, "train/judge/latency": 0.5,
        "train/judge/prompt_tokens": 30, "train/judge/completion_tokens": 0,
    }  # fmt: skip


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


def test_an_end_of_sequence_token_behind_what_ended_by_the_tag():
    """The released code's: where there is room, and the completion does not end so already."""
    one = module(append_eos=True, sampling=Sampling(max_new_tokens=4))
    eos = one.adapter.tokenizer.eos_token_id
    said = {(7, 8): (7, 8, eos), (7, eos): (7, eos), (7, 8, 9, 10): (7, 8, 9, 10)}
    for ids, expected in said.items():
        assert (
            one.rollouts._with_eos(Completion(ids, "text", truncated=False)).token_ids == expected
        )


def test_log_probabilities_at_a_temperature_of_their_own():
    sampling = Sampling(temperature=0.9, max_new_tokens=4)
    assert module(sampling=sampling).policy.temperature == 0.9
    assert module(sampling=sampling, logp_temperature=1.0).policy.temperature == 1.0
