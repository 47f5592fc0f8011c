"""Sampling from merged adapters: the same distribution up to rounding, and the base as it was."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from learners import fit, gradients, module
from settings_of import lora

from grit.data.shapes.source import ShapesSource
from grit.models.loading import load_base
from grit.models.lora import add_lora, has_tied_lora, merged_lora
from grit.models.prompting import Prompting
from grit.rollout.engines import engine_of
from grit.rollout.sampler import Sampler
from grit.rollout.settings import RolloutSettings, Sampling
from grit.rollout.vllm_command import Served
from grit.training.groups import Group
from grit.training.policy import Policy

SHORT = Sampling(max_new_tokens=12)


@pytest.fixture
def adapter():
    """A model whose adapters change what it says."""
    return with_adapters(torch.float32)


def with_adapters(dtype):
    found = load_base("tiny:qwen-random", seed=0, dtype=dtype)
    add_lora(found, lora(8, 16, ["q_proj", "v_proj", "up_proj"]), with_vision=False)
    torch.manual_seed(0)
    for name, parameter in found.model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.05)
    return found


def prompts_of(adapter):
    return [Prompting().encode(sample, adapter) for sample in ShapesSource("vsr", "dev", 3)]


def policy_of(adapter, temperature):
    return Policy(adapter, share_prompt=True, temperature=temperature, tokens_per_chunk=256)


def test_merged_adapters_sample_the_same_tokens_with_the_policys_probabilities(adapter):
    prompts, seeds = prompts_of(adapter), [[1, 2], [3, 4], [5, 6]]
    plain = Sampler(adapter).sample(prompts, seeds, SHORT)
    merged = Sampler(adapter, merge_lora=True).sample(prompts, seeds, SHORT)
    assert [[replace(c, logps=None) for c in group] for group in merged] == plain
    with adapter.model.disable_adapter():
        assert Sampler(adapter).sample(prompts, seeds, SHORT) != plain  # adapters matter here
    policy = policy_of(adapter, 1.0)
    for prompt, group in zip(prompts, merged, strict=True):
        said = torch.tensor([logp for completion in group for logp in completion.logps])
        scored = policy.logp([Group(prompt, tuple(c.token_ids for c in group))])
        torch.testing.assert_close(said, scored.detach(), atol=1e-5, rtol=0)


def test_a_temperature_is_that_of_the_policy(adapter):
    (prompt,) = prompts_of(adapter)[:1]
    (group,) = Sampler(adapter, merge_lora=True).sample(
        [prompt], [[1, 2]], Sampling(temperature=0.7, max_new_tokens=12)
    )
    said = torch.tensor([logp for completion in group for logp in completion.logps])
    scored = policy_of(adapter, 0.7).logp([Group(prompt, tuple(c.token_ids for c in group))])
    torch.testing.assert_close(said, scored.detach(), atol=1e-5, rtol=0)


def test_a_policy_at_another_temperature_than_sampling_is_corrected_for_rounding_alone(adapter):
    (prompt,) = prompts_of(adapter)[:1]
    rollout = RolloutSettings(merge_lora=True, sampling=Sampling(temperature=0.7))
    with engine_of(adapter, rollout, Served(None, temperature=1.0), Path()) as engine:
        (group,) = engine.sample([prompt], [[1, 2]], replace(SHORT, temperature=0.7))
    said = torch.tensor([logp for completion in group for logp in completion.logps])
    scored = policy_of(adapter, 1.0).logp([Group(prompt, tuple(c.token_ids for c in group))])
    torch.testing.assert_close(said, scored.detach(), atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings")
def test_a_tied_head_is_merged_without_the_embeddings():
    found = load_base("tiny:qwen-random", seed=0)
    add_lora(found, lora(8, 16, ["lm_head"]), with_vision=False)
    assert has_tied_lora(found)
    for name, parameter in found.model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.05)
    embedded = found.plain.get_input_embeddings().weight
    before = embedded.detach().clone()
    with merged_lora(found):
        head = found.plain.get_output_embeddings().get_base_layer().weight
        assert not torch.equal(head, before)
        assert torch.equal(embedded, before)
    assert found.plain.get_output_embeddings().get_base_layer().weight is embedded


@pytest.mark.parametrize("fails", [False, True])
def test_the_base_is_put_back_bit_for_bit(fails):
    adapter = with_adapters(torch.bfloat16)
    before = {name: p.detach().clone() for name, p in adapter.model.named_parameters()}

    def merge():
        with merged_lora(adapter):
            changed = [
                name
                for name, p in adapter.model.named_parameters()
                if not torch.equal(p, before[name])
            ]
            assert changed
            assert all("base_layer.weight" in name for name in changed)
            if fails:
                raise KeyboardInterrupt

    if fails:
        with pytest.raises(KeyboardInterrupt):
            merge()
    else:
        merge()
    for name, parameter in adapter.model.named_parameters():
        assert torch.equal(parameter, before[name])
    assert not any(getattr(m, "merged_adapters", []) for m in adapter.model.modules())


def with_lora():
    torch.manual_seed(0)  # of the adapters
    return module(lora=True)


def merging():
    one = with_lora()
    one.engine = one.rollouts.engine = Sampler(one.adapter, merge_lora=True)
    return one


def test_what_is_learnt_is_the_same_and_the_ratio_is_logged(tmp_path):
    own = gradients(with_lora(), tmp_path / "own")
    other = gradients(merging(), tmp_path / "other")
    for name in own:
        torch.testing.assert_close(other[name], own[name], atol=1e-6, rtol=1e-3)
    row = next(iter(fit(merging(), tmp_path / "row", steps=1)))
    assert row["train/importance_mean"] == pytest.approx(1.0, abs=1e-4)
    assert row["train/importance_clipped"] == 0.0
