"""Estimates from shapes: what is counted, and what it grows with."""

from dataclasses import replace

import pytest
from settings_of import lora

from grit.models.loading import add_lora, freeze_vision, load_base
from grit.models.skeleton import load_skeleton
from grit.training.costs import GPUS, Load, Sizes, memory, seconds

LOAD = Load(
    prompts=4,
    completions=4,
    prompt_tokens=70,
    longest_prompt=90,
    image_tokens=36,
    new_tokens=100,
    learns=True,
    reference=True,
    copied_reference=True,
    checkpointing=False,
    tokens_per_batch=65536,
    tokens_per_pass=16384,
    tokens_per_chunk=256,
)


@pytest.mark.parametrize("family", ["qwen", "internvl"])
def test_a_skeleton_has_the_sizes_of_the_model(family):
    whole, bare = load_base(f"tiny:{family}"), load_skeleton(f"tiny:{family}")
    for adapter in (whole, bare):
        freeze_vision(adapter)
    sizes = Sizes.of(bare, bytes_of_weight=4)
    assert sizes == Sizes.of(whole, bytes_of_weight=4)
    parameters = sum(p.numel() for p in whole.plain.parameters())
    assert sizes.weights == 4 * parameters == 4 * (sizes.language + sizes.vision)
    assert sizes.learning == sizes.language
    assert all(p.is_meta for p in bare.plain.parameters())


def test_lora_is_fp32_and_all_that_learns():
    bare = load_skeleton("tiny:qwen")
    before = Sizes.of(bare, bytes_of_weight=2)
    add_lora(bare, lora(8, 16, ["q_proj"]), with_vision=False)
    sizes = Sizes.of(bare, bytes_of_weight=2)
    assert sizes.learning == 4 * 8 * (128 + 128)  # layers, rank, in and out
    assert sizes.weights == before.weights + 4 * sizes.learning


def test_memory_counts_what_is_alive_together():
    sizes = Sizes.of(load_skeleton("tiny:qwen"), bytes_of_weight=4)
    million = replace(
        sizes, weights=10**9, learning=10**8, cache=10**5, hidden=0, intermediate=0, vocabulary=0
    )
    found = memory(million, LOAD)
    assert found["weights"] == 2  # with the reference
    assert found["states"] == 1.2
    assert found["cache"] == pytest.approx(10**5 * 16 * 190 / 1e9, abs=0.01)
    assert found["total"] == pytest.approx(3.2 + found["cache"], abs=0.01)
    alone = memory(million, replace(LOAD, learns=False, copied_reference=False))
    assert (alone["weights"], alone["states"], alone["activations"]) == (1, 0, 0)


def test_time_grows_with_what_is_done():
    sizes = Sizes.of(load_skeleton("tiny:qwen"), bytes_of_weight=4)
    gpu = GPUS["H100"]
    least = seconds(sizes, LOAD, gpu)
    assert seconds(sizes, replace(LOAD, new_tokens=200), gpu) > 1.5 * least
    assert seconds(sizes, replace(LOAD, checkpointing=True), gpu) > least
    assert seconds(sizes, replace(LOAD, learns=False), gpu) < least
    assert seconds(sizes, replace(LOAD, tokens_per_batch=1000), gpu) > least
    assert seconds(sizes, LOAD, GPUS["RTX3090"]) > least
