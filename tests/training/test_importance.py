"""The importance correction: its formula, its part in the loss, and that native has none."""

import math
from dataclasses import fields, replace

import pytest
import torch
from learners import fit, gradients, module
from settings_of import training

from grit.rollout.sampler import Sampler
from grit.training.importance import importance_ratios
from grit.training.policy import TokenScores
from grit.training.settings import ObjectiveSettings
from grit.training.step_loss import StepLoss


class Elsewhere(Sampler):
    """An engine that says other log-probabilities than the policy's, by a constant difference."""

    off = 0.0

    def sample(self, prompts, seeds, sampling):
        from grit.training.groups import Group

        groups = super().sample(prompts, seeds, sampling)
        found = []
        for prompt, group in zip(prompts, groups, strict=True):
            ids = tuple(each.token_ids for each in group)
            logp = self.policy.logp([Group(prompt, ids)]) - self.off
            parts = logp.split([len(each) for each in ids])
            found.append(
                [
                    replace(c, logps=tuple(part.tolist()))
                    for c, part in zip(group, parts, strict=True)
                ]
            )
        return found


def elsewhere(off, **changes):
    one = module(**changes)
    engine = Elsewhere(one.adapter)
    engine.policy, engine.off = one.policy, off
    one.engine = one.rollouts.engine = engine
    return one


def test_ratios_are_of_the_policy_to_the_engine_and_have_no_gradient():
    logp = torch.tensor([-1.0, -2.0, -3.0], requires_grad=True)
    engine = torch.tensor([-1.5, -2.0, math.nan])
    found = importance_ratios(logp, engine)
    assert found.tolist() == pytest.approx([math.exp(0.5), 1.0, 1.0])
    assert not found.requires_grad


@pytest.mark.parametrize("ratio", ["token", "sequence", "sequence_mean"])
def test_a_token_s_gradient_depends_on_others_where_their_ratios_are_multiplied(ratio):
    """Of the importance correction too: it has the gradient of a completion's ratio."""
    nothing = dict.fromkeys(field.name for field in fields(StepLoss))
    alone = StepLoss(**nothing | {"settings": training(ratio=ratio)})
    assert alone.is_separable
    for name in ("old_logp", "engine_logp"):
        other = replace(alone, **{name: torch.zeros(1)})
        assert other.is_separable == (ratio == "token")


def test_figures_are_means_over_completions():
    ratios, owner = torch.tensor([1.0, 3.0, 1.5]), torch.tensor([0, 0, 1])
    half = torch.tensor([0.5, 0.5])
    nothing = dict.fromkeys(field.name for field in fields(StepLoss))
    given = {"settings": training(), "engine_logp": -ratios.log(), "importance_cap": 2.0}
    step = StepLoss(**nothing | given | {"advantages": half, "weights": half, "shares": half})
    scores = TokenScores(torch.zeros(3), torch.zeros(3))
    sums, largest = step.figures(torch.tensor(0.0), scores, owner)
    found = dict(zip(step.summed, sums.tolist(), strict=True))
    assert found["importance_mean"] == pytest.approx(1.75)
    assert found["importance_clipped"] == 0.25
    assert largest.tolist() == pytest.approx([1.0, 3.0])


@pytest.mark.parametrize("surrogate", ["clipped", "cispo", "sapo"])
@pytest.mark.parametrize("ratio", ["token", "sequence", "sequence_mean"])
def test_each_tokens_surrogate_is_weighted_and_its_kl_is_not(surrogate, ratio):
    """The corrected gradient is that of the plain loss, token by token times min(ratio, cap)."""
    torch.manual_seed(0)
    owner, weights = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0.5, 0.5])
    logp, reference = -torch.rand(5).double(), -torch.rand(5).double()
    engine = logp - torch.tensor([0.0, 0.3, -0.4, 2.0, 0.1]).double()
    plain = StepLoss(
        settings=replace(
            module().settings,
            ratio=ratio,
            beta=0.5,
            objective=ObjectiveSettings(surrogate=surrogate, ratio_limit=5.0),
        ),
        beta=0.5,
        old_logp=None,
        engine_logp=None,
        importance_cap=2.0,
        reference_logp=reference,
        blanked_logp=None,
        advantages=torch.tensor([1.0, -0.7]).double(),
        kept=None,
        weights=weights.double(),
        token_weights=(weights / torch.bincount(owner)).double(),
        shares=weights.double(),
    )

    def gradient(loss):
        moving = logp.clone().requires_grad_()
        loss(moving, owner).backward()
        return moving.grad

    of_kl = gradient(replace(plain, advantages=torch.zeros(2).double()))
    of_surrogate = gradient(plain) - of_kl
    expected = of_kl + of_surrogate * (logp - engine).exp().clamp(max=2.0)
    if ratio == "token":
        torch.testing.assert_close(
            gradient(replace(plain, engine_logp=engine)), expected, atol=1e-12, rtol=0
        )
    same = gradient(replace(plain, engine_logp=logp))
    torch.testing.assert_close(same, gradient(plain), atol=1e-12, rtol=1e-6)


def test_an_engine_without_a_difference_teaches_what_our_own_does(tmp_path):
    own = gradients(module(), tmp_path / "own")
    other = gradients(elsewhere(0.0), tmp_path / "other")
    for name in own:
        torch.testing.assert_close(other[name], own[name], atol=1e-6, rtol=1e-3)


def test_the_correction_is_logged_for_another_engine_alone(tmp_path):
    own = next(iter(fit(module(), tmp_path / "own", steps=1)))
    assert not [name for name in own if "importance" in name]
    row = next(iter(fit(elsewhere(math.log(3.0)), tmp_path / "other", steps=1)))
    names = ("importance_mean", "importance_max", "importance_clipped")
    assert [row[f"train/{name}"] for name in names] == pytest.approx([3.0, 3.0, 1.0], rel=1e-4)
    off = elsewhere(math.log(3.0), importance_cap=None)
    row = next(iter(fit(off, tmp_path / "off", steps=1)))
    assert not [name for name in row if "importance" in name]


def test_a_capped_ratio_scales_the_gradient(tmp_path):
    """All ratios are 3 and the cap is 2: without a KL term the gradient doubles."""
    own = gradients(module(beta=0.0, max_steps=1), tmp_path / "own")
    other = gradients(elsewhere(math.log(3.0), beta=0.0, max_steps=1), tmp_path / "other")
    for name in own:
        torch.testing.assert_close(other[name], 2 * own[name], atol=1e-6, rtol=1e-3)


def test_an_added_end_has_no_ratio(tmp_path):
    one = elsewhere(math.log(3.0), append_eos=True)
    row = next(iter(fit(one, tmp_path, steps=1)))
    assert 1.0 < row["train/importance_mean"] <= 3.0 + 1e-4
