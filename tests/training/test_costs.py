"""Estimates from shapes: what is counted, and what it grows with."""

from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from settings_of import load, lora
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

from grit.models.loading import freeze_vision, load_base
from grit.models.lora import add_lora
from grit.models.setup import load_skeleton
from grit.training.costs import GPUS, KEPT, Sizes, memory, seconds

LOAD = load()


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
        sizes, weights=10**9, learning=10**8, cache=10**5, hidden=0, inside=0, vocabulary=0
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
    assert seconds(sizes, replace(LOAD, recomputed_layers=4), gpu) > least
    assert seconds(sizes, replace(LOAD, learns=False), gpu) < least
    assert seconds(sizes, replace(LOAD, tokens_per_batch=1000), gpu) > least
    assert seconds(sizes, LOAD, GPUS["RTX3090"]) > least


def test_time_counts_rollouts_updates_and_passes():
    sizes = Sizes.of(load_skeleton("tiny:qwen"), bytes_of_weight=4)

    def took(**changes):
        return seconds(sizes, replace(LOAD, reference=False, **changes), GPUS["H100"])

    rollout, step = took(learns=False), took()
    update = step - rollout  # a forward and a backward pass of twice its work
    assert took(updates=4) == pytest.approx(rollout + 4 * update)
    assert took(scored=2) == pytest.approx(rollout + update * (1 + 2 / 3))
    assert took(rollouts=3) == pytest.approx(3 * rollout + update)
    assert update < took(samples=False) < 1.5 * update  # the images, once
    assert memory(sizes, replace(LOAD, samples=False))["cache"] == 0


def kept_bytes(layers: int, tokens: int, adapts: bool, autocast: bool) -> int:
    """What autograd saves of a decoder of Qwen2.5-VL's proportions, but for weights."""
    config = Qwen2_5_VLTextConfig(
        hidden_size=256,
        intermediate_size=1376,
        num_attention_heads=8,
        num_key_value_heads=2,
        num_hidden_layers=layers,
        vocab_size=8,
        bos_token_id=None,
        eos_token_id=None,
        rope_parameters={"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 1e6},
    )
    model: torch.nn.Module = Qwen2_5_VLTextModel(config)
    if adapts:
        names = r".*\.(q|k|v|o|gate|up|down)_proj"
        model = get_peft_model(model.bfloat16(), LoraConfig(r=16, target_modules=names))
        for name, parameter in model.named_parameters():
            parameter.data = parameter.data.float() if "lora_" in name else parameter.data
    inputs = torch.randn(1, tokens, 256, dtype=torch.bfloat16 if adapts else torch.float32)
    saved = {}

    def save(tensor: torch.Tensor) -> torch.Tensor:
        if tokens in tensor.shape:
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        result = model(inputs_embeds=inputs.requires_grad_())
    assert result.last_hidden_state.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


@pytest.mark.parametrize(("training", "autocast"), KEPT)
def test_what_a_layer_keeps_is_what_autograd_saves(training, autocast):
    two, one = (kept_bytes(layers, 500, training == "lora", autocast) for layers in (2, 1))
    values = 500 * (8 * 256 + 4 * 1376)
    assert (two - one) / values == pytest.approx(KEPT[training, autocast], rel=0.06)


ALL, LAYERS, ADDED = 3_750_000_000, 2_780_000_000, 120_000_000  # Qwen2.5-VL 3B, LoRA of rank 64
OF_DEVICES = {  # GB on each of 8, as docs/how_to/several_gpus.md has them
    "full": {"ddp": 75, "zero1": 49, "deepspeed_zero2": 38, "fsdp": 36},
    "lora": {"ddp": 9.4, "zero1": 8.6, "deepspeed_zero2": 8.2, "fsdp": 8.2},
}


@pytest.mark.parametrize("strategy", ["ddp", "zero1", "deepspeed_zero2", "fsdp"])
@pytest.mark.parametrize("training", OF_DEVICES)
def test_what_a_device_keeps_depends_on_how_weights_and_states_lie(training, strategy):
    is_lora = training == "lora"
    added = ADDED * is_lora
    sizes = replace(
        Sizes.of(load_skeleton("tiny:qwen"), bytes_of_weight=4),
        weights=(2 if is_lora else 4) * ALL + 4 * added,
        language=ALL + added,
        vision=0,
        learning=added or ALL,
        in_layers=LAYERS + added,
        **dict.fromkeys(("cache", "hidden", "inside", "vocabulary"), 0),
    )
    work = replace(LOAD, devices=8, strategy=strategy, copied_reference=not is_lora)
    found = memory(sizes, work)["total"]
    assert found == pytest.approx(OF_DEVICES[training][strategy], rel=0.02)
    assert found <= memory(sizes, replace(work, devices=1, strategy="auto"))["total"]
