"""Shared rows through flex_attention, its blocks between completions skipped, against sdpa.

torch refuses the backward pass of flex_attention on a CPU, though its plain implementation has one:
where gradients are compared, the refusal is taken out. The fused kernels need a GPU.
"""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.attention import flex_attention as torchs

from grit.core.errors import GritError
from grit.models import block_attention
from grit.models.block_attention import block_mask, fused, use_attention
from grit.models.loading import load_base
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.training.groups import Group, lay_out
from grit.training.logprobs import token_scores

pytestmark = [
    pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile"),
    pytest.mark.filterwarnings("ignore:.gradient_checkpointing_.*able. is deprecated"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor"),  # from dynamo
]


@pytest.fixture
def groups(prompts):
    """Completions long enough that whole blocks of 128 x 128 are left out."""
    random = torch.Generator().manual_seed(7)
    lengths = [(300, 9, 200), (6, 130, 5), (3, 3, 8)]
    return [
        Group(p, tuple(tuple(torch.randint(10, 300, (n,), generator=random).tolist()) for n in ns))
        for p, ns in zip(prompts, lengths, strict=True)
    ]


@pytest.fixture
def flex(adapter):
    """Switches the shared adapter's attention, and back after the test."""
    yield lambda: use_attention(adapter.plain, "flex_attention")
    use_attention(adapter.plain, "sdpa")


def scores_and_gradients(adapter, groups):
    """Log-probabilities of every token, and every parameter's gradient."""
    batch = lay_out(adapter, groups, share_prompt=True)
    features = adapter.image_features([group.prompt for group in groups])
    scores = token_scores(adapter, batch, features)
    weight = torch.linspace(0.1, 1.0, len(scores.logp)) / len(scores.logp)
    adapter.model.zero_grad()
    (weight * scores.logp).sum().backward()
    found = {n: p.grad.clone() for n, p in adapter.model.named_parameters() if p.grad is not None}
    adapter.model.zero_grad()
    return scores.logp.detach(), found


@pytest.mark.parametrize("checkpointing", [False, True])
def test_scores_and_gradients_are_those_of_sdpa(adapter, groups, flex, monkeypatch, checkpointing):
    logp, gradients = scores_and_gradients(adapter, groups)
    monkeypatch.setattr(torchs, "_validate_device", lambda *tensors: None)
    flex()
    if checkpointing:
        adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
        adapter.model.train()
    try:
        ours, found = scores_and_gradients(adapter, groups)
    finally:
        adapter.plain.gradient_checkpointing_disable()
        adapter.model.eval()
    torch.testing.assert_close(ours, logp, atol=1e-5, rtol=0)
    assert found.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_blocks_between_completions_are_left_out(adapter, groups):
    rows = lay_out(adapter, groups, share_prompt=True).mask
    dense, blocks = rows.visible(), block_mask(rows.segments)
    kept = blocks.to_dense()[:, 0, : dense.shape[2] // 128, : dense.shape[3] // 128].bool()
    size = kept.shape[1] * 128
    seen = dense[:, 0, :size, :size].unflatten(1, (-1, 128)).unflatten(3, (-1, 128))
    assert torch.equal(kept, seen.any(4).any(2))
    assert not kept.tril().logical_or(~torch.ones_like(kept).tril()).all()


def test_plain_rows_and_the_rollout_stay_on_sdpa(adapter, prompts, groups, flex, monkeypatch):
    once, sampling = [[0]] * len(prompts), Sampling(max_new_tokens=4)
    expected = Sampler(adapter).sample(prompts, once, sampling)
    flex()
    monkeypatch.setattr(block_attention, "flex_attention", None)  # must not be called
    for way in ("dynamic", "static"):
        assert Sampler(adapter, decode=way).sample(prompts, once, sampling) == expected
    assert isinstance(lay_out(adapter, groups, share_prompt=False).mask, torch.Tensor)


@pytest.mark.parametrize("name", ["tiny:qwen", "tiny:qwen3-random", "tiny:internvl-random"])
def test_a_model_loaded_for_it_scores_as_with_sdpa_under_autocast_too(name, photographs):
    found = []
    for attention in ("sdpa", "flex_attention"):
        adapter = load_base(name, attention=attention)
        prompt = adapter.encode("p", "\nQuestion: How many?", photographs[0], picture="i")
        group = Group(prompt, ((20, 30, 40), (50, 60)))
        with torch.no_grad():
            batch = lay_out(adapter, [group], share_prompt=True)
            features = adapter.image_features([prompt])
            exact = token_scores(adapter, batch, features).logp
            with torch.autocast("cpu", torch.bfloat16):
                rounded = token_scores(adapter, batch, features).logp
        found.append((exact, rounded))
    (exact, rounded), (ours, ours_rounded) = found
    # The trained model finds these tokens unlikely, and of -5, 1e-5 is 20 steps of fp32.
    torch.testing.assert_close(ours, exact, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours_rounded, rounded, atol=0.1, rtol=0)


def test_learning_on_a_cpu_is_refused_in_words(adapter, groups, flex):
    flex()
    with pytest.raises(GritError, match=r"model\.attention=flex_attention: .*CPU"):
        scores_and_gradients(adapter, groups[2:])


@pytest.mark.slow
def test_after_a_second_kernel_rows_of_other_lengths_need_no_other():
    compiler = CompileCounterWithBackend("eager")
    run, random = fused(compiler), torch.Generator().manual_seed(0)
    counts = []
    for rows, length in ((2, 300), (3, 420), (4, 777), (5, 260)):
        query, key, value = (
            torch.randn(rows, heads, length, 16, generator=random) for heads in (4, 2, 2)
        )
        segments = torch.arange(length).div(100, rounding_mode="floor").expand(rows, -1)
        mask = block_mask(segments)
        found = run(query, key, value, block_mask=mask, enable_gqa=True)
        expected = torchs.flex_attention(query, key, value, block_mask=mask, enable_gqa=True)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        counts.append(compiler.frame_count)
    assert counts == [1, 2, 2, 2]
