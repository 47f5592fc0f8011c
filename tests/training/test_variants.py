"""Whole steps of the variants on real tiny models, under the real Trainer."""

from dataclasses import replace

import pytest
import torch
from learners import fit, gradients, learnt, likes_letters, module

from grit.data.shapes.source import ShapesSource
from grit.training.blanking import with_blanked_picture
from grit.training.settings import AdvantageSettings, ObjectiveSettings, PerceptionSettings

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
