"""InternVL's own layout: converted weights compute what InternVL's own code does."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from internvl_forward import image_tokens, logits_of
from PIL import Image
from replicas.internvl_chat import write_internvl_chat
from safetensors.torch import load_file, save_file

from grit.core.errors import GritError
from grit.models.full_model import load_full_model
from grit.models.internvl_layout import converted_config, converted_weights
from grit.models.processors import load_processor

IMAGE_ID = 299  # of the small vocabularies here
ROWS = 300
KINDS: dict[str, dict[str, Any]] = {
    "as InternVL3 2B": {},
    "as InternVL3 38B": {"qk_normalization": True, "norm_type": "rms_norm", "qkv_bias": False},
}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_internvl_chat(
        tmp_path_factory.mktemp("internvl") / "chat",
        dtype=torch.float32,
        processor_files=False,
        rows=ROWS,
        vision=KINDS[request.param],
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_internvl_chat(
        tmp_path_factory.mktemp("internvl") / "chat", processor_files=False, rows=ROWS
    )


@pytest.fixture(scope="module")
def prompt() -> tuple[torch.Tensor, torch.Tensor]:
    """Two tiles, and token ids with a place for each of their image tokens."""
    random = torch.Generator().manual_seed(1)
    words = torch.randint(0, IMAGE_ID, (12,), generator=random)
    ids = torch.cat([words[:5], torch.full((512,), IMAGE_ID), words[5:]])
    return torch.randn(2, 3, 448, 448, generator=random), ids


def fields_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@torch.no_grad()
def converted_logits(folder: Path, prompt: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    pixels, ids = prompt
    model = load_full_model(folder, image_token_id=IMAGE_ID)
    return model(input_ids=ids[None], pixel_values=pixels).logits[0]


@torch.no_grad()
def test_converted_weights_compute_the_same(folder, prompt):
    expected = logits_of(fields_of(folder), weights_of(folder), *prompt, image_id=IMAGE_ID)
    found = converted_logits(folder, prompt)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_image_tokens_are_the_same(folder, prompt):
    model = load_full_model(folder, image_token_id=IMAGE_ID)
    found = model.model.get_image_features(prompt[0], return_dict=True).pooler_output
    expected = image_tokens(fields_of(folder), weights_of(folder), prompt[0])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def swapped(weights: dict[str, torch.Tensor], *pairs: tuple[str, str]) -> dict[str, torch.Tensor]:
    """Weights in which each name that has one part of a pair in it is the other one's."""
    changed = dict(weights)
    for one, other in pairs:
        for name in weights:
            if one in name:
                partner = name.replace(one, other)
                changed[name], changed[partner] = weights[partner], weights[name]
    return changed


def query_for_key(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    def exchange(fused: torch.Tensor) -> torch.Tensor:
        query, key, value = fused.chunk(3)
        return torch.cat([key, query, value])

    return {n: exchange(w) if ".qkv." in n else w for n, w in weights.items()}


@pytest.mark.parametrize(
    "wrong",
    [
        query_for_key,
        lambda weights: swapped(weights, (".ls1", ".ls2")),
        lambda weights: swapped(weights, (".norm1", ".norm2")),
        lambda weights: swapped(weights, ("layers.0.", "layers.1.")),
    ],
    ids=["query for key", "ls1 for ls2", "norm1 for norm2", "one layer for another"],
)
@torch.no_grad()
def test_the_independent_forward_tells_wrong_names(small, prompt, wrong):
    """What a converter could get wrong without a shape that does not fit: it would be seen."""
    weights = {name: weight.float() for name, weight in weights_of(small).items()}
    right = image_tokens(fields_of(small), weights, prompt[0])
    assert (image_tokens(fields_of(small), wrong(weights), prompt[0]) - right).abs().max() > 1e-3


@torch.no_grad()
def test_the_independent_forward_tells_the_order_of_pixels(small, prompt):
    weights = {name: weight.float() for name, weight in weights_of(small).items()}
    right, turned = (
        image_tokens(fields_of(small) | {"ps_version": version}, weights, prompt[0])
        for version in ("v2", "v1")
    )
    assert (right - turned).abs().max() > 1e-3


def test_stored_types_are_kept_where_nobody_asks_for_another(small):
    assert load_full_model(small, image_token_id=IMAGE_ID).dtype is torch.bfloat16
    loaded = load_full_model(small, image_token_id=IMAGE_ID, dtype=torch.float32, attention="eager")
    assert loaded.dtype is torch.float32
    assert loaded.config._attn_implementation == "eager"
    assert not loaded.training


def test_sharded_weights(small, tmp_path):
    weights = weights_of(small)
    names = sorted(weights)
    index = {}
    for number, half in enumerate((names[::2], names[1::2])):
        file = f"model-0000{number + 1}-of-00002.safetensors"
        save_file({name: weights[name] for name in half}, tmp_path / file)
        index |= dict.fromkeys(half, file)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    (tmp_path / "config.json").write_text((small / "config.json").read_text())
    whole, parts = (
        load_full_model(folder, image_token_id=IMAGE_ID).state_dict()
        for folder in (small, tmp_path)
    )
    assert whole.keys() == parts.keys()
    assert all(torch.equal(weight, parts[name]) for name, weight in whole.items())
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(GritError, match=r"model-00002-of-00002\.safetensors: cannot be read"):
        load_full_model(tmp_path, image_token_id=IMAGE_ID)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language_model.lm_head.weight": None}, "lacks the weight lm_head.weight"),
        ({"vision_model.encoder.layers.1.ls2": None}, r"lacks the weight .*layer.1.lambda_2"),
        ({"mlp1.2.weight": torch.zeros(2)}, r"mlp1.2.weight is no weight of InternVL's layout"),
        ({"vision_model.encoder.layers.0.attn.rope": torch.zeros(2)}, "attn.rope is no weight"),
        (
            {"language_model.model.layers.2.mlp.up_proj.weight": torch.zeros(2, 2)},
            r"has besides its own the weight .*layers.2.mlp.up_proj.weight",
        ),
        ({"mlp1.3.bias": torch.zeros(3)}, r"linear_2.bias has the shape \[3\], expected \[64\]"),
    ],
    ids=str,
)
def test_weights_that_are_not_exactly_those_of_the_model(small, tmp_path, change, message):
    weights = {n: w for n, w in (weights_of(small) | change).items() if w is not None}
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((small / "config.json").read_text())
    with pytest.raises(GritError, match=message) as raised:
        load_full_model(tmp_path, image_token_id=IMAGE_ID)
    assert len(str(raised.value)) < 400


def test_a_folder_without_weights(small, tmp_path):
    (tmp_path / "config.json").write_text((small / "config.json").read_text())
    with pytest.raises(GritError, match=r"neither model\.safetensors nor"):
        load_full_model(tmp_path, image_token_id=IMAGE_ID)
    (tmp_path / "model.safetensors").write_text("no weights")
    with pytest.raises(GritError, match=r"model\.safetensors: cannot be read"):
        load_full_model(tmp_path, image_token_id=IMAGE_ID)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ps_version": "v1"}, "ps_version is 'v1'"),
        ({"select_layer": -4}, "select_layer is -4"),
        ({"force_image_size": 224}, "force_image_size is 224"),
        ({"use_thumbnail": False}, "use_thumbnail is False"),
        ({"llm_config": {"architectures": ["InternLM2ForCausalLM"]}}, "InternLM2ForCausalLM"),
        ({"llm_config": None}, "llm_config is missing"),
        ({"vision_config": "none"}, "vision_config is missing"),
    ],
    ids=str,
)
def test_what_transformers_has_no_model_for(small, change, message):
    with pytest.raises(ValueError, match=message):
        converted_config(fields_of(small) | change, IMAGE_ID)


def test_a_model_that_was_trained_without_tiles_gets_none(tmp_path):
    folder = write_internvl_chat(tmp_path / "chat", rows=ROWS)
    picture, counts = Image.new("RGB", (900, 450)), []
    for changed in ({}, {"dynamic_image_size": False, "use_thumbnail": False}):
        (folder / "config.json").write_text(json.dumps(fields_of(folder) | changed))
        found = load_processor(folder, {}).image_processor(picture, crop_to_patches=True)
        counts.append(len(found["pixel_values"]))
    assert counts == [3, 1]


def test_settings_arrive(small):
    config = converted_config(fields_of(small), 7)
    assert (config.image_token_id, config.image_seq_length) == (7, 256)
    assert config.text_config.rope_parameters["rope_type"] == "dynamic"
    assert config.text_config.rope_parameters["factor"] == 2.0
    assert config.text_config.rope_parameters["rope_theta"] == 1e6
    assert config.text_config.num_key_value_heads == 2
    assert not config.tie_word_embeddings
    assert config.vision_config.use_mean_pooling  # there is no norm behind the last layer


def test_every_weight_has_one_place(small):
    stored = weights_of(small)
    converted = converted_weights(stored)
    fused = [name for name in stored if ".qkv." in name]
    assert len(converted) == len(stored) + 2 * len(fused)
    assert sum(w.numel() for w in converted.values()) == sum(w.numel() for w in stored.values())
