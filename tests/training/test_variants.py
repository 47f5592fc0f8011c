"""Whole steps of the variants on real tiny models, under the real Trainer."""

import math
from dataclasses import replace

import pytest
import torch
from learners import fit, gradients, learnt, likes_letters, module
from settings_of import training

from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import Box
from grit.rewards.response import Attempt, Response
from grit.rewards.reward import Outcome
from grit.rollout.engine import Completion
from grit.training.diagnostics import Rollout
from grit.training.dynamic_sampling import further_prompts
from grit.training.objectives import half_widths
from grit.training.perception import perception_gain, with_blanked_picture
from grit.training.policy import TokenScores
from grit.training.rollouts import difficulty_weights
from grit.training.settings import AdvantageSettings, ObjectiveSettings, PerceptionSettings
from grit.training.step_loss import StepLoss

OBJECTIVES = {
    "dapo": {
        "objective": ObjectiveSettings(
            aggregation="token_mean", epsilon_high=0.28, dynamic_sampling=2, overlong_share=0.5
        )
    },
    "dr_grpo": {
        "objective": ObjectiveSettings(aggregation="fixed_length"),
        "advantage": AdvantageSettings(scale="none"),
    },
    "gspo": {"ratio": "sequence_mean", "epsilon": 3e-4},
    "cispo": {"objective": ObjectiveSettings(surrogate="cispo", ratio_limit=5.0)},
    "sapo": {"objective": ObjectiveSettings(surrogate="sapo")},
    "gdpo": {"advantage": AdvantageSettings(by_term=True, delta=1e-4)},
    "rloo": {"advantage": AdvantageSettings(baseline="leave_one_out", scale="none")},
    "papo": {"perception": PerceptionSettings(gamma=0.01, entropy=0.03, patch=8)},
    "vppo": {"perception": PerceptionSettings(top_share=0.4, patch=8)},
}


@pytest.mark.parametrize("variant", OBJECTIVES)
@pytest.mark.parametrize("updates", [1, 2])
def test_a_step_of_each_learns(tmp_path, variant, updates):
    one = module(max_steps=2, updates_per_rollout=updates, **OBJECTIVES[variant])
    before = learnt(one)
    rows = fit(one, tmp_path)
    assert any(not torch.equal(before[name], after) for name, after in learnt(one).items())
    assert rows[0]["train/grad_norm"] > 0
    for name in ("ratio_mean", "ratio_max", "clip_ratio_low", "truncated", "beta"):
        assert f"train/{name}" in rows[0], name
    if updates == 1:
        assert rows[0]["train/ratio_max"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("variant", ["dapo", "gdpo", "papo", "vppo"])
@pytest.mark.parametrize("changes", [{"tokens_per_pass": 1}, {"share_prompt": False}], ids=str)
def test_micro_batches_and_layouts_give_the_same_update(tmp_path, variant, changes):
    options = OBJECTIVES[variant] | {"max_steps": 1}
    expected = gradients(module(**options), tmp_path / "a")
    found = gradients(module(**options, **changes), tmp_path / "b")
    assert any(gradient.abs().max() > 1e-4 for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_papo_without_weight_is_grpo_gr(tmp_path):
    plain = gradients(module(max_steps=1), tmp_path / "a")
    options = {"perception": PerceptionSettings(gamma=1e-12, patch=8)}
    found = gradients(module(max_steps=1, **options), tmp_path / "b")
    for name, gradient in plain.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=0, msg=name)


def test_papos_term_changes_the_gradient(tmp_path):
    plain = gradients(module(max_steps=1), tmp_path / "a")
    options = {"perception": PerceptionSettings(gamma=1.0, patch=8)}
    found = gradients(module(max_steps=1, **options), tmp_path / "b")
    assert any((found[n] - g).abs().max() > 1e-4 for n, g in plain.items())


def test_truncated_completions_have_no_share(tmp_path, monkeypatch):
    options = {"objective": ObjectiveSettings(mask_truncated=True), "beta": 0.0}
    one = module(max_steps=1, **options)
    sample = one.engine.sample

    def cut_off(*arguments):
        return [[replace(c, truncated=True) for c in group] for group in sample(*arguments)]

    monkeypatch.setattr(one.engine, "sample", cut_off)
    for gradient in gradients(one, tmp_path).values():
        assert gradient.abs().max() == 0


@pytest.mark.parametrize(
    "weighted", [{"mask_truncated": True}, {"difficulty_weight": True}], ids=str
)
def test_what_is_logged_of_the_policy_is_not_weighted_as_the_loss_is(tmp_path, weighted):
    (plain,) = fit(module(max_steps=1), tmp_path / "a")
    (found,) = fit(module(max_steps=1, objective=ObjectiveSettings(**weighted)), tmp_path / "b")
    assert found["train/loss"] != plain["train/loss"]
    for name in ("kl", "entropy", "ratio_mean", "clip_ratio_low", "clip_ratio_high"):
        assert found[f"train/{name}"] == pytest.approx(plain[f"train/{name}"], abs=1e-6), name


@pytest.mark.parametrize(
    ("settings", "widths"),
    [
        ({}, (0.2, 0.2)),
        ({"epsilon_high": 0.28}, (0.2, 0.28)),
        ({"surrogate": "cispo", "ratio_limit": 5.0, "epsilon_high": 0.28}, (math.inf, 4.0)),
        ({"surrogate": "sapo"}, (math.inf, math.inf)),
    ],
    ids=str,
)
def test_only_what_the_surrogate_cuts_off_counts_as_clipped(settings, widths):
    assert half_widths(ObjectiveSettings(**settings), 0.2) == widths


def test_the_log_counts_what_a_limit_cuts_off_where_the_advantage_is_negative():
    scores = TokenScores(torch.tensor([10.0]).log(), torch.zeros(1))
    one = torch.ones(1)
    for objective in (
        ObjectiveSettings(ratio_limit=2.0),
        ObjectiveSettings(surrogate="cispo", ratio_limit=5.0),
    ):
        step = StepLoss(
            settings=training(objective=objective),
            beta=0.0,
            old_logp=torch.zeros(1),
            engine_logp=None,
            importance_cap=2.0,
            reference_logp=None,
            blanked_logp=None,
            advantages=-one,
            kept=None,
            weights=one,
            token_weights=one,
            shares=one,
        )
        loss = step(scores.logp, torch.zeros(1, dtype=torch.long))
        sums, _ = step.figures(loss, scores, torch.zeros(1, dtype=torch.long))
        logged = dict(zip(step.summed, sums.tolist(), strict=True))
        assert (logged["clip_ratio_low"], logged["clip_ratio_high"]) == (0, 1), objective.surrogate


def test_papos_term_is_bounded(tmp_path):
    """As in PAPO's code: one token that is rare with the image is not the whole gradient."""
    logp = torch.tensor([-12.0, -1.0], requires_grad=True)
    gain = perception_gain(logp, torch.tensor([-0.5, -1.2]), gamma=0.01, entropy=0.0)
    gain.sum().backward()
    kl = math.exp(-0.2) + 0.2 - 1
    assert gain.tolist() == pytest.approx([0.1, 0.01 * kl])
    assert logp.grad.tolist() == pytest.approx([0.0, 0.01 * (1 - math.exp(-0.2))])


def test_a_triplet_that_is_drawn_twice_in_a_turn_has_other_completions():
    samples = list(ShapesSource("vsr", "train", 5))
    drawn = further_prompts(samples, seed=0, step=1, turn=0, count=13)
    assert len({(sample.id, epoch) for sample, epoch in drawn}) == 13
    assert {sample.id for sample, _ in drawn[:5]} == {sample.id for sample in samples}


def first_letter(response):
    return float(response.trace.text[:1] in "abcdefghijklm")


def test_dynamic_sampling_fills_a_step_with_groups_that_differ(tmp_path):
    def varied(turns, folder):
        objective = ObjectiveSettings(dynamic_sampling=turns)
        one = module(first_letter, max_steps=1, group_size=2, objective=objective)
        row = fit(one, folder, prompts=6)[0]
        return 1 - row["train/groups_without_variance"], one

    plain, _ = varied(0, tmp_path / "a")
    filled, one = varied(8, tmp_path / "b")
    assert plain < filled
    assert len(one.last_rollouts) == 12
    again, other = varied(8, tmp_path / "c")
    assert again == filled
    assert [r.completion.text for r in other.last_rollouts] == [
        r.completion.text for r in one.last_rollouts
    ]


def test_the_penalty_of_long_completions_is_a_term(tmp_path):
    objective = ObjectiveSettings(overlong_share=1.0)
    row = fit(module(max_steps=1, objective=objective), tmp_path)[0]
    assert -1 <= row["train/reward_part/overlong"] < 0
    total = row["train/reward_part/term"] + row["train/reward_part/overlong"]
    assert row["train/reward"] == pytest.approx(total, abs=1e-5)


def test_harder_groups_weigh_more(tmp_path):
    """No completion of a random model has a box, so every annotated group weighs e."""
    plain = gradients(module(max_steps=1, beta=0.0), tmp_path / "a")
    objective = ObjectiveSettings(difficulty_weight=True)
    hard = gradients(module(max_steps=1, beta=0.0, objective=objective), tmp_path / "b")
    norm = [sum(g.square().sum() for g in found.values()).sqrt() for found in (plain, hard)]
    assert norm[1] > 1.5 * norm[0]


def test_the_difficulty_of_a_group_is_that_of_all_boxes_that_it_says():
    """Those of rewards and metrics: in detection the box stands in the answer."""
    sample = next(each for each in ShapesSource("vsr", "train", 9) if each.boxes)

    def rollout(text, true):
        sides = ", ".join(f"{side:.0f}" for side in true.corners)
        text = text.format(sides)
        attempt = Attempt(
            *(sample.question, sample.answer, sample.dataset, text),
            box_space=sample.space,
            space=sample.space,
            true_boxes=(true,),
        )
        outcome = Outcome(0.0, {}, Response.of(attempt, counting=False))
        of = replace(sample, boxes=(true,))
        return Rollout(of, sample.space, Completion((1,), text, False), outcome)

    true = Box(10, 20, 30, 40, sample.space)
    answered = "<think> a dog </think><rethink> r </rethink><answer> [{}]"
    silent = "<think> a dog </think><rethink> r </rethink><answer> no"
    found = difficulty_weights([rollout(answered, true), rollout(silent, true)], group_size=1)
    assert found.flatten().tolist() == pytest.approx([1.0, math.e])
    line = Box(10, 20, 10, 40, sample.space)  # without area: as a row without boxes
    assert difficulty_weights([rollout(silent, line)], group_size=1).item() == 1.0


def test_blanking_takes_patches_away_and_keeps_the_size():
    sample = ShapesSource("vsr", "train", 1)[0]
    settings = PerceptionSettings(gamma=0.01, blanked=0.6, patch=8)
    drawn = with_blanked_picture(sample, settings, seed=0, epoch=0)
    image, blank = sample.picture.load(), drawn.picture.load()
    assert blank.size == image.size
    black = sum(
        blank.crop((x, y, x + 8, y + 8)).getextrema() == ((0, 0),) * 3
        for x in range(0, 96, 8)
        for y in range(0, 96, 8)
    )
    assert 0.4 < black / 144 < 0.8
    assert with_blanked_picture(sample, settings, 0, 0).picture.key == drawn.picture.key
    assert with_blanked_picture(sample, settings, 0, 1).picture.key != drawn.picture.key


def test_letters_are_still_learnt_by_dapo(tmp_path):
    rows = fit(module(likes_letters, max_steps=20, **OBJECTIVES["dapo"]), tmp_path)
    rewards = [row["train/reward_part/term"] for row in rows]
    assert sum(rewards[-4:]) > sum(rewards[:4])
