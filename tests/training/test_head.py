"""The head's own gradients against autograd's, on the whole of the logits."""

import pytest
import torch

from grit.training import head
from grit.training.grpo_gr import grpo_gr_loss
from grit.training.head import head_logp, head_scores

TOKENS, HIDDEN, VOCABULARY = 11, 16, 301
OWNER = torch.tensor([0, 0, 0, 1, 2, 2, 2, 2, 3, 3, 3])


def plain_scores(states, weight, targets, temperature):
    distribution = ((states @ weight.t()).float() / temperature).log_softmax(-1)
    entropy = -(distribution.exp() * distribution).sum(-1)
    return distribution.gather(-1, targets[:, None])[:, 0], entropy.detach()


@pytest.fixture
def parts():
    """States, a weight that makes some tokens likely, and targets; two runs of two tokens alike."""
    random = torch.Generator().manual_seed(5)
    states = torch.randn(TOKENS, HIDDEN, generator=random)
    weight = torch.randn(VOCABULARY, HIDDEN, generator=random)
    targets = torch.randint(0, VOCABULARY, (TOKENS,), generator=random)
    targets[1] = targets[0]
    return states, weight, targets


def grpo(case, logp):
    """GRPO-GR's loss in one of its forms; the second completion could not be judged."""
    random = torch.Generator().manual_seed(6)
    noise = 0.5 * torch.randn(2, TOKENS, generator=random)  # many ratios are clipped
    old, reference = CENTRE["logp"] + noise
    return grpo_gr_loss(
        logp,
        logp.detach() if "once" in case else old,
        reference if "kl" in case else None,
        torch.tensor([1.2, 0.0, -0.9, 0.4]),
        torch.tensor([0.4, 0.0, 0.3, 0.3]),
        OWNER,
        epsilon=0.2,
        beta=0.04,
        ratio="sequence" if "sequence" in case else "token",
    )


CENTRE = {}
APART = ["once", "once kl", "clipped kl", "once sequence kl"]


@pytest.mark.parametrize("tokens_per_chunk", [1, 4, 512])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("case", [*APART, "clipped sequence kl"])
def test_scores_and_gradients_are_those_of_autograd(
    parts, case, temperature, tokens_per_chunk, monkeypatch
):
    states, weight, targets = parts
    CENTRE["logp"] = plain_scores(*parts, temperature)[0]
    passes = []
    chunks = head._chunks
    monkeypatch.setattr(head, "_chunks", lambda *a: (passes.append(1), chunks(*a))[1])
    found = {}
    for way in ("plain", "told", "not told"):
        leaves = states.clone().requires_grad_(), weight.clone().requires_grad_()
        if way == "plain":
            logp, entropy = plain_scores(*leaves, targets, temperature)
        else:
            options = {"temperature": temperature, "tokens_per_chunk": tokens_per_chunk}
            loss = None if way == "not told" else lambda logp: grpo(case, logp)
            logp, entropy = head_scores(*leaves, targets, loss=loss, **options)
        passes.clear()
        grpo(case, logp).backward()
        found[way] = logp.detach(), entropy, *[leaf.grad for leaf in leaves]
        if way == "told" and case in APART:
            assert not passes  # logits were made once
        if way == "not told":
            assert len(passes) == 1
    assert found["plain"][3].abs().max() > 1e-2
    for way in ("told", "not told"):
        for ours, expected in zip(found[way], found["plain"], strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_a_loss_that_was_not_told_is_noticed(parts):
    """Also one that is a multiple of what was told."""
    states, weight, targets = parts
    leaf = weight.clone().requires_grad_()
    logp, _ = head_scores(
        states, leaf, targets, temperature=1.0, tokens_per_chunk=4, loss=lambda logp: logp.sum()
    )
    (2 * logp.sum()).backward()
    plain = weight.clone().requires_grad_()
    (2 * plain_scores(states, plain, targets, 1.0)[0].sum()).backward()
    torch.testing.assert_close(leaf.grad, plain.grad, atol=1e-5, rtol=0)


def test_a_frozen_head_needs_no_second_pass_whatever_the_loss(parts, monkeypatch):
    states, weight, targets = parts
    ours, plain = (states.clone().requires_grad_() for _ in range(2))
    logp, _ = head_scores(ours, weight, targets, temperature=0.7, tokens_per_chunk=4)
    monkeypatch.delattr(head, "_chunks")
    logp.exp().sum().backward()
    plain_scores(plain, weight, targets, 0.7)[0].exp().sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad, atol=1e-5, rtol=0)
    assert weight.grad is None


def test_improbable_targets_have_a_finite_logp_and_sure_ones_a_gradient():
    weight = torch.eye(4, 2) * 300
    states, targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 1])
    ours, plain = (states.clone().requires_grad_() for _ in range(2))
    logp, entropy = head_scores(ours, weight, targets, temperature=1.0, tokens_per_chunk=2)
    expected, _ = plain_scores(plain, weight, targets, 1.0)
    assert logp.tolist() == [-300, 0]
    assert entropy.tolist() == pytest.approx([0, 0], abs=1e-5)
    logp.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)


def test_without_gradients_only_log_probabilities_are_made(parts):
    options = {"temperature": 0.7, "tokens_per_chunk": 4}
    states, weight, targets = parts
    found = head_logp(states, weight.requires_grad_(), targets, **options)
    assert not found.requires_grad
    with torch.no_grad():
        scores, entropy = head_scores(states, weight, targets, **options)
        expected, entropy_expected = plain_scores(*parts, 0.7)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(scores, expected)
    torch.testing.assert_close(entropy, entropy_expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("how", ["bf16", "autocast"])
def test_bf16_is_as_near_to_fp32_as_the_plain_way(parts, how):
    """Both round; neither may be far off. The loss and the sums over chunks are fp32."""
    states, weight, targets = parts
    dtype = torch.bfloat16 if how == "bf16" else torch.float32
    with torch.no_grad():
        CENTRE["logp"] = plain_scores(*parts, 1.0)[0]
    found = {}
    for way in ("fp32", "plain", "ours"):
        kind = torch.float32 if way == "fp32" else dtype
        leaves = [t.to(torch.bfloat16).to(kind).requires_grad_() for t in (states, weight)]
        with torch.autocast("cpu", torch.bfloat16, enabled=way != "fp32" and how == "autocast"):
            if way == "ours":
                logp, entropy = head_scores(
                    *leaves,
                    targets,
                    temperature=1.0,
                    tokens_per_chunk=4,
                    loss=lambda logp: grpo("once kl", logp),
                )
            else:
                logp, entropy = plain_scores(*leaves, targets, 1.0)
        grpo("once kl", logp).backward()
        found[way] = [logp.detach(), entropy, *[leaf.grad.float() for leaf in leaves]]
        assert all(leaf.grad.dtype == kind for leaf in leaves)
    for exact, plain, ours in zip(*found.values(), strict=True):
        assert (ours - exact).norm() < 0.02 * exact.norm()
        assert (ours - exact).norm() < 2 * (plain - exact).norm() + 1e-3 * exact.norm()
