"""Against a naive loop that follows the equations of the paper one symbol at a time."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grit.training.grpo_gr import (
    clip_ratios,
    completion_weights,
    group_advantages,
    grpo_gr_loss,
    has_variance,
    k3,
    mean_per_completion,
    surrogate,
)

STD = {"delta": 1e-8, "sample_std": False}  # the paper's
CLIP = {"epsilon": 0.2, "ratio": "token"}
LOSS = CLIP | {"beta": 0.01}


def naive_advantages(rewards, delta, sample_std):
    mean = sum(rewards) / len(rewards)
    squares = sum((r - mean) ** 2 for r in rewards)
    std = math.sqrt(squares / (len(rewards) - 1 if sample_std else len(rewards)))
    return [(r - mean) / (std + delta) for r in rewards]


@pytest.mark.parametrize("sample_std", [False, True])
@pytest.mark.parametrize("delta", [1e-8, 1e-4])
def test_advantages_are_equation_1(delta, sample_std):
    rewards = [[2.1, 0.5, 1.0, 0.0], [1.0, 1.5, 1.5, 3.0]]
    found = group_advantages(
        torch.tensor(rewards), torch.ones(2, 4).bool(), delta=delta, sample_std=sample_std
    )
    expected = torch.tensor([naive_advantages(row, delta, sample_std) for row in rewards])
    torch.testing.assert_close(found, expected)


def test_equal_rewards_have_no_advantage_however_they_round():
    # 0.1 is no float: the mean of ten of them is off by rounding, and 1e-8 would blow that up.
    rewards = torch.full((1, 10), 0.1) * 21
    assert group_advantages(rewards, torch.ones(1, 10).bool(), **STD).tolist() == [[0.0] * 10]
    assert not has_variance(rewards, torch.ones(1, 10).bool()).any()


def test_unjudged_completions_are_left_out_and_are_not_zeros():
    rewards = torch.tensor([[2.0, 0.0, 1.0, 0.0]])
    judged = torch.tensor([[True, False, True, True]])
    found = group_advantages(rewards, judged, **STD)
    expected = naive_advantages([2.0, 1.0, 0.0], 1e-8, sample_std=False)
    assert found[0, [0, 2, 3]].tolist() == pytest.approx(expected)
    assert found[0, 1] == 0
    assert completion_weights(judged, 1).tolist() == [pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])]


def test_a_group_without_judgement_is_no_group():
    judged = torch.tensor([[True, True], [False, False]])
    assert completion_weights(judged, 1).tolist() == [[0.5, 0.5], [0, 0]]
    assert group_advantages(torch.rand(2, 2), ~torch.ones(2, 2).bool(), **STD).abs().sum() == 0
    assert completion_weights(torch.zeros(2, 2).bool(), 0).sum() == 0


@given(st.lists(st.floats(-20, 0), min_size=1, max_size=9), st.floats(-2, 2))
def test_k3_is_never_negative_and_zero_where_policies_agree(logp, shift):
    ours = torch.tensor(logp, dtype=torch.float64)
    assert (k3(ours, ours + shift) >= 0).all()
    assert (k3(ours, ours) == 0).all()


def test_k3_keeps_its_digits_where_the_policies_are_close():
    shift = torch.tensor([1e-3, -1e-3, 1e-4, -1e-4])  # exp(d) - d - 1 is off by 6e-8, or 1200%
    torch.testing.assert_close(k3(torch.zeros(4), shift), shift.square() / 2, rtol=5e-3, atol=0)


def test_k3_estimates_the_kl_divergence():
    generator = torch.Generator().manual_seed(0)
    p, q = torch.randn(2, 20, generator=generator).double().softmax(-1)
    sampled = torch.multinomial(p, 400_000, replacement=True, generator=generator)
    estimate = k3(p.log()[sampled], q.log()[sampled]).mean()
    assert estimate.item() == pytest.approx((p * (p / q).log()).sum().item(), rel=0.02)


def naive_loss(logps, olds, references, advantages, weights, epsilon, beta, ratio):
    loss = 0.0
    for logp, old, reference, advantage, weight in zip(
        logps, olds, references, advantages, weights, strict=True
    ):
        if ratio == "sequence":
            ratios = [math.exp(sum(logp) - sum(old))]
        else:
            ratios = [math.exp(a - b) for a, b in zip(logp, old, strict=True)]
        terms = []
        for s in ratios:
            clipped = max(1 - epsilon, min(1 + epsilon, s))
            terms.append(min(s * advantage, clipped * advantage))
        kl = 0.0
        for a, b in zip(logp, reference, strict=True):
            kl += math.exp(b - a) - (b - a) - 1
        loss -= weight * (sum(terms) / len(terms) - beta * kl / len(logp))
    return loss


@pytest.mark.parametrize("ratio", ["token", "sequence"])
@pytest.mark.parametrize("beta", [0.0, 0.04])
def test_the_loss_is_minus_equation_3(ratio, beta):
    generator = torch.Generator().manual_seed(3)
    lengths = [3, 1, 5, 2]
    owner = torch.repeat_interleave(torch.arange(4), torch.tensor(lengths))
    logp = -torch.rand(11, generator=generator).double() * 3
    old = logp + 0.4 * torch.randn(11, generator=generator).double()  # many are clipped
    reference = logp + 0.4 * torch.randn(11, generator=generator).double()
    advantages = torch.tensor([1.2, -0.7, 0.3, -0.8]).double()
    weights = torch.tensor([0.5, 0.1, 0.3, 0.1]).double()
    found = grpo_gr_loss(
        logp, old, reference, advantages, weights, owner, epsilon=0.2, beta=beta, ratio=ratio
    )
    rows = [[t[owner == i].tolist() for i in range(4)] for t in (logp, old, reference)]
    expected = naive_loss(*rows, advantages.tolist(), weights.tolist(), 0.2, beta, ratio)
    assert found.item() == pytest.approx(expected)


def test_the_order_of_tokens_does_not_matter_only_their_owner():
    generator = torch.Generator().manual_seed(4)
    owner = torch.tensor([0, 0, 1, 1, 1])
    logp, old = -torch.rand(2, 5, generator=generator)
    weights, advantages = torch.tensor([0.5, 0.5]), torch.tensor([1.0, -1.0])
    shuffled = torch.tensor([3, 0, 4, 1, 2])
    losses = [
        grpo_gr_loss(logp[i], old[i], old[i], advantages, weights, owner[i], **LOSS)
        for i in (torch.arange(5), shuffled)
    ]
    torch.testing.assert_close(*losses)


def test_losses_of_micro_batches_add_up():
    generator = torch.Generator().manual_seed(5)
    owner = torch.tensor([0, 0, 1, 2, 2, 3])
    logp, old, reference = -torch.rand(3, 6, generator=generator)
    advantages = torch.randn(4, generator=generator)
    weights = completion_weights(torch.tensor([[True, True], [True, False]]), 2).flatten()
    whole = grpo_gr_loss(logp, old, reference, advantages, weights, owner, **LOSS)
    first, second = owner < 2, owner >= 2
    parts = grpo_gr_loss(
        logp[first], old[first], reference[first], advantages[:2], weights[:2], owner[first], **LOSS
    ) + grpo_gr_loss(
        logp[second],
        old[second],
        reference[second],
        advantages[2:],
        weights[2:],
        owner[second] - 2,
        **LOSS,
    )
    torch.testing.assert_close(whole, parts)


def test_with_one_update_the_gradient_is_that_of_the_policy_gradient():
    logp = torch.tensor([-1.0, -2.0, -0.5], requires_grad=True)
    owner = torch.tensor([0, 0, 1])
    advantages, weights = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.5])
    grpo_gr_loss(logp, logp.detach(), None, advantages, weights, owner, **LOSS).backward()
    # d/dlogp of -w A mean_t exp(logp - logp') is -w A / length
    assert logp.grad.tolist() == pytest.approx([-0.5 * 2 / 2, -0.5 * 2 / 2, 0.5])


def test_the_mean_of_no_tokens_is_zero():
    assert mean_per_completion(torch.ones(2), torch.tensor([1, 1]), 2).tolist() == [0, 1]


def test_what_the_clipping_holds_back_is_counted_by_its_side():
    """Two completions of 2 and 3 tokens; the ratios are 0.5, 1.5, and 0.5, 1, 1.5."""
    logp = torch.tensor([0.5, 1.5, 0.5, 1.0, 1.5]).log()
    owner = torch.tensor([0, 0, 1, 1, 1])
    for advantages, expected in (
        ([1.0, -1.0], ([0.0, 1 / 3], [0.5, 0.0])),
        ([0.0, 0.0], ([0.0, 0.0], [0.0, 0.0])),
    ):
        found = clip_ratios(logp, torch.zeros(5), torch.tensor(advantages), owner, **CLIP)
        torch.testing.assert_close(found, tuple(map(torch.tensor, expected)))
    whole = clip_ratios(
        logp, torch.zeros(5), torch.tensor([-1.0, -1.0]), owner, ratio="sequence", epsilon=0.3
    )
    # 0.5 x 1.5 = 0.75 and 0.5 x 1 x 1.5 = 0.75: neither is below 1 - 0.3.
    assert [each.tolist() for each in whole] == [[0.0, 0.0], [0.0, 0.0]]
    whole = clip_ratios(
        logp, torch.zeros(5), torch.tensor([-1.0, 1.0]), owner, ratio="sequence", epsilon=0.2
    )
    assert [each.tolist() for each in whole] == [[1.0, 0.0], [0.0, 0.0]]


def test_where_the_clipping_holds_back_there_is_no_gradient():
    """The share is that of the tokens whose gradient the loss has cut off."""
    generator = torch.Generator().manual_seed(0)
    logp = (0.4 * torch.randn(200, generator=generator)).requires_grad_()
    owner = torch.arange(200) // 10
    advantages = torch.randn(20, generator=generator)
    old = torch.zeros(200)
    surrogate(logp, old, advantages, owner, **CLIP).sum().backward()
    cut_off = (logp.grad == 0).float().view(20, 10).mean(1)
    low, high = clip_ratios(logp.detach(), old, advantages, owner, **CLIP)
    assert (low + high).max() > 0.3
    torch.testing.assert_close(low + high, cut_off)


def test_what_a_limit_of_the_ratio_holds_back_is_counted_too():
    """Two-sided clipping cuts where the advantage is negative, CISPO every large ratio."""
    logp = torch.tensor([10.0, 10.0, 1.5, 1.5]).log()
    owner, old = torch.arange(4), torch.zeros(4)
    advantages = torch.tensor([-1.0, 1.0, -1.0, 1.0])
    one = logp, old, advantages, owner
    _, high = clip_ratios(*one, epsilon=0.2, ratio="token", limit=2.0)
    assert high.tolist() == [1, 1, 0, 1]  # of the last its own end of the interval
    low, high = clip_ratios(*one, epsilon=math.inf, epsilon_high=4.0, ratio="token", limit=5.0)
    assert (low.tolist(), high.tolist()) == ([0, 0, 0, 0], [1, 1, 0, 0])
