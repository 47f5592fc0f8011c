"""A replica of InternVL's own layout, as GRIT's authors released ``GRIT-20-InternVL-2B``.

It is the layout of InternVL's own repository (``internvl_chat``): other names, one matrix for
query, key and value, code of its own beside the weights. Nothing of transformers reads it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from replicas.folders import (
    FEED_FORWARD,
    HEADS,
    IMAGENET_MEAN,
    IMAGENET_STD,
    KEY_VALUE_HEADS,
    LAYERS,
    WIDTH,
    write_json,
    write_tokenizer,
)
from replicas.vocabulary import INTERNVL_TOKENS

ROWS = 151674
MARK = "remote-code-ran"  # a file that the folder's code writes into its own folder
TOKENS = {id_: token for id_, token in INTERNVL_TOKENS.items() if id_ < ROWS}  # without <video>
AUTO_MAP = {
    "AutoConfig": "configuration_internvl_chat.InternVLChatConfig",
    "AutoModel": "modeling_internvl_chat.InternVLChatModel",
    "AutoModelForCausalLM": "modeling_internvl_chat.InternVLChatModel",
}
CODE = f"""from pathlib import Path

Path(__file__).with_name("{MARK}").touch()
Path({{folder!r}}, "{MARK}").touch()


class InternVLChatConfig:
    pass


class InternVLChatModel:
    pass
"""
LLM: dict[str, Any] = {
    "_attn_implementation_autoset": True,
    "architectures": ["Qwen2ForCausalLM"],
    "attention_dropout": 0.0,
    "bad_words_ids": None,
    "bos_token_id": 151643,
    "do_sample": False,
    "eos_token_id": 151645,
    "hidden_act": "silu",
    "hidden_size": WIDTH,
    "initializer_range": 0.02,
    "intermediate_size": FEED_FORWARD,
    "max_position_embeddings": 32768,
    "max_window_layers": 70,
    "model_type": "qwen2",
    "moe_config": None,
    "num_attention_heads": HEADS,
    "num_beams": 1,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KEY_VALUE_HEADS,
    "pad_token_id": None,
    "return_dict": True,
    "rms_norm_eps": 1e-06,
    "rope_scaling": {"factor": 2.0, "rope_type": "dynamic", "type": "dynamic"},
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "temperature": 1.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.50.0",
    "use_cache": False,
    "use_sliding_window": False,
    "vocab_size": ROWS,
}
VISION: dict[str, Any] = {
    "architectures": ["InternVisionModel"],
    "attention_dropout": 0.0,
    "drop_path_rate": 0.1,
    "dropout": 0.0,
    "hidden_act": "gelu",
    "hidden_size": WIDTH,
    "image_size": 448,
    "initializer_factor": 1.0,
    "intermediate_size": FEED_FORWARD,
    "layer_norm_eps": 1e-06,
    "model_type": "intern_vit_6b",
    "norm_type": "layer_norm",
    "num_attention_heads": HEADS,
    "num_channels": 3,
    "num_hidden_layers": LAYERS,
    "patch_size": 14,
    "qk_normalization": False,
    "qkv_bias": True,
    "torch_dtype": "bfloat16",
    "use_flash_attn": True,
}


def write_internvl_chat(
    folder: Path,
    *,
    dtype: torch.dtype = torch.bfloat16,
    seed: int = 3,
    processor_files: bool = True,
    rows: int = ROWS,
    vision: Mapping[str, Any] | None = None,
    **changed: Any,
) -> Path:
    """``yfan1997/GRIT-20-InternVL-2B`` in small, or ``OpenGVLab/InternVL3-2B`` itself.

    Args:
        folder: of the replica.
        dtype: of the weights.
        seed: of the weights.
        processor_files: whether there are a tokenizer and a ``preprocessor_config.json``: what a
            trainer leaves besides the weights differs.
        rows: of the embedding and of the head.
        vision: fields of the vision tower that are other.
        changed: fields of the configuration that are other.
    """
    folder.mkdir(parents=True)
    config = {
        "architectures": ["InternVLChatModel"],
        "auto_map": AUTO_MAP,
        "downsample_ratio": 0.5,
        "dynamic_image_size": True,
        "force_image_size": 448,
        "hidden_size": WIDTH,
        "image_fold": None,
        "llm_config": LLM | {"vocab_size": rows},
        "max_dynamic_patch": 12,
        "min_dynamic_patch": 1,
        "model_type": "internvl_chat",
        "pad2square": False,
        "ps_version": "v2",
        "select_layer": -1,
        "system_message": None,
        "template": "internvl2_5",
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "transformers_version": None,
        "use_backbone_lora": 0,
        "use_llm_lora": 0,
        "use_thumbnail": True,
        "vision_config": VISION | dict(vision or {}),
        **changed,
    }
    write_json(folder / "config.json", config)
    write_json(folder / "generation_config.json", {"_from_model_config": True})
    for module in ("configuration_internvl_chat", "modeling_internvl_chat"):
        code = CODE.format(folder=str(folder.absolute()))
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
    if processor_files:
        _processor(folder)
    random = torch.Generator().manual_seed(seed)
    weights = dict(_weights(config, random))
    save_file(
        {name: weight.to(dtype).contiguous() for name, weight in weights.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    return folder


def _processor(folder: Path) -> None:
    write_tokenizer(folder, TOKENS, {})
    # The repository has the vocabulary and its merges in files of their own.
    whole = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").unlink()
    write_json(folder / "vocab.json", whole["model"]["vocab"])
    merges = [
        pair if isinstance(pair, str) else " ".join(pair) for pair in whole["model"]["merges"]
    ]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    write_json(folder / "added_tokens.json", {text: id_ for id_, (text, _) in TOKENS.items()})
    write_json(
        folder / "preprocessor_config.json",
        {
            "crop_size": 448,
            "do_center_crop": True,
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor",
            "image_mean": IMAGENET_MEAN,
            "image_std": IMAGENET_STD,
            "resample": 3,
            "size": 448,
        },
    )


def _weights(config: Mapping[str, Any], random: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    """Random weights in the names and shapes of InternVL's own code, none of them 0 or 1 alone."""

    def drawn(*shape: int, around: float = 0.0, scale: float = 0.1) -> Tensor:
        return around + scale * torch.randn(*shape, generator=random)

    def linear(name: str, out: int, into: int, bias: bool = True) -> Iterator[tuple[str, Tensor]]:
        yield f"{name}.weight", drawn(out, into, scale=into**-0.5)
        if bias:
            yield f"{name}.bias", drawn(out)

    def norm(name: str, width: int, bias: bool) -> Iterator[tuple[str, Tensor]]:
        yield f"{name}.weight", drawn(width, around=1.0)
        if bias:
            yield f"{name}.bias", drawn(width)

    vision, text = config["vision_config"], config["llm_config"]
    wide, patch = vision["hidden_size"], vision["patch_size"]
    side = vision["image_size"] // patch
    layer_norm = vision["norm_type"] == "layer_norm"
    tower = "vision_model.embeddings."
    yield f"{tower}class_embedding", drawn(1, 1, wide)
    yield f"{tower}position_embedding", drawn(1, side * side + 1, wide, scale=0.5)
    yield f"{tower}patch_embedding.weight", drawn(wide, 3, patch, patch)
    yield f"{tower}patch_embedding.bias", drawn(wide)
    for number in range(vision["num_hidden_layers"]):
        layer = f"vision_model.encoder.layers.{number}."
        yield from norm(f"{layer}norm1", wide, layer_norm)
        yield from norm(f"{layer}norm2", wide, layer_norm)
        yield f"{layer}ls1", drawn(wide, around=0.5)
        yield f"{layer}ls2", drawn(wide, around=0.5)
        yield from linear(f"{layer}attn.qkv", 3 * wide, wide, vision["qkv_bias"])
        yield from linear(f"{layer}attn.proj", wide, wide)
        if vision["qk_normalization"]:
            yield from norm(f"{layer}attn.q_norm", wide, False)
            yield from norm(f"{layer}attn.k_norm", wide, False)
        yield from linear(f"{layer}mlp.fc1", vision["intermediate_size"], wide)
        yield from linear(f"{layer}mlp.fc2", wide, vision["intermediate_size"])
    merged = wide * int(1 / config["downsample_ratio"]) ** 2
    width = text["hidden_size"]
    yield from norm("mlp1.0", merged, True)
    yield from linear("mlp1.1", width, merged)
    yield from linear("mlp1.3", width, width)
    yield "language_model.model.embed_tokens.weight", drawn(text["vocab_size"], width)
    head = width // text["num_attention_heads"]
    for number in range(text["num_hidden_layers"]):
        layer = f"language_model.model.layers.{number}."
        for name, heads in (("q", "num_attention_heads"), ("k", "num_key_value_heads")):
            yield from linear(f"{layer}self_attn.{name}_proj", head * text[heads], width)
        yield from linear(f"{layer}self_attn.v_proj", head * text["num_key_value_heads"], width)
        yield from linear(f"{layer}self_attn.o_proj", width, width, bias=False)
        for name in ("gate", "up"):
            yield from linear(f"{layer}mlp.{name}_proj", text["intermediate_size"], width, False)
        yield from linear(f"{layer}mlp.down_proj", width, text["intermediate_size"], False)
        yield from norm(f"{layer}input_layernorm", width, False)
        yield from norm(f"{layer}post_attention_layernorm", width, False)
    yield from norm("language_model.model.norm", width, False)
    yield "language_model.lm_head.weight", drawn(text["vocab_size"], width)
