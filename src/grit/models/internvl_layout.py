"""Converting weights and configuration from InternVL's own layout to that of transformers.

InternVL's repositories, and models fine-tuned with its code such as GRIT's released one, have
``model_type: internvl_chat``: a vision tower ``vision_model`` with fused query, key and value, a
projector ``mlp1`` and a language model ``language_model``. In transformers the same weights have
other names.

InternVL's vision tower drops layers at random in training (``drop_path_rate``); that of
transformers does not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from transformers import InternVLConfig

MODEL_TYPE = "internvl_chat"
NAMED_TOKENS = {  # attributes that InternVLProcessor reads from its tokenizer
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}

_TOWER = "model.vision_tower."
_PREFIXES = {
    "vision_model.embeddings.class_embedding": f"{_TOWER}embeddings.cls_token",
    "vision_model.embeddings.position_embedding": f"{_TOWER}embeddings.position_embeddings",
    "vision_model.embeddings.patch_embedding.": f"{_TOWER}embeddings.patch_embeddings.projection.",
    "mlp1.0.": "model.multi_modal_projector.layer_norm.",
    "mlp1.1.": "model.multi_modal_projector.linear_1.",
    "mlp1.3.": "model.multi_modal_projector.linear_2.",
    "language_model.model.": "model.language_model.",
    "language_model.lm_head.": "lm_head.",
}
_LAYER = re.compile(r"vision_model\.encoder\.layers\.(\d+)\.(.+)")
_LAYER_PREFIXES = {
    "norm1.": "layernorm_before.",
    "norm2.": "layernorm_after.",
    "ls1": "lambda_1",
    "ls2": "lambda_2",
    "attn.proj.": "attention.projection_layer.",
    "attn.q_norm.": "attention.q_norm.",
    "attn.k_norm.": "attention.k_norm.",
    "mlp.": "mlp.",
}
_FUSED = "attn.qkv."
_PARTS = ("attention.q_proj.", "attention.k_proj.", "attention.v_proj.")  # in the fused order

_VISION_FIELDS = {  # InternVL's name -> that of transformers
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "num_hidden_layers": "num_hidden_layers",
    "num_attention_heads": "num_attention_heads",
    "num_channels": "num_channels",
    "hidden_act": "hidden_act",
    "norm_type": "norm_type",
    "layer_norm_eps": "layer_norm_eps",
    "attention_dropout": "attention_dropout",
    "dropout": "projection_dropout",
    "qkv_bias": "attention_bias",
    "qk_normalization": "use_qk_norm",
}
_TEXT_FIELDS = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "hidden_act"),
    *("num_attention_heads", "num_key_value_heads", "max_position_embeddings", "rms_norm_eps"),
    *("rope_theta", "rope_scaling", "use_sliding_window", "sliding_window", "max_window_layers"),
    *("attention_dropout", "bos_token_id", "eos_token_id"),
)


def converted_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of ``InternVLForConditionalGeneration``.

    Raises:
        ValueError: a name is not of InternVL's layout.
    """
    return {
        name: tensor
        for stored, weight in weights.items()
        for name, tensor in _converted(stored, weight)
    }


def _converted(stored: str, weight: Tensor) -> Iterator[tuple[str, Tensor]]:
    layer = _LAYER.fullmatch(stored)
    if layer is None:
        yield _renamed(stored, _PREFIXES, stored), weight
        return
    number, rest = layer.groups()
    if rest.startswith(_FUSED):
        for name, part in zip(_PARTS, weight.chunk(3), strict=True):
            yield f"{_TOWER}encoder.layer.{number}.{name}{rest.removeprefix(_FUSED)}", part
        return
    yield f"{_TOWER}encoder.layer.{number}.{_renamed(rest, _LAYER_PREFIXES, stored)}", weight


def _renamed(name: str, prefixes: Mapping[str, str], stored: str) -> str:
    for prefix, new_prefix in prefixes.items():
        if name.startswith(prefix):
            return new_prefix + name.removeprefix(prefix)
    raise ValueError(f"{stored} is no weight of InternVL's layout")


def converted_config(fields: Mapping[str, Any], image_token_id: int) -> InternVLConfig:
    """The transformers configuration of an ``internvl_chat`` configuration.

    Raises:
        ValueError: transformers does not have such a model.
    """
    vision, text = _section(fields, "vision_config"), _section(fields, "llm_config")
    _check_supported(fields, vision, text)
    side, patch = vision["image_size"], vision["patch_size"]
    ratio = fields.get("downsample_ratio", 0.5)
    return InternVLConfig(
        text_config={"model_type": "qwen2", "tie_word_embeddings": False}
        | {name: text[name] for name in _TEXT_FIELDS if name in text},
        vision_config={"image_size": [side, side], "patch_size": [patch, patch]}
        | {new: vision[old] for old, new in _VISION_FIELDS.items() if old in vision},
        image_token_id=image_token_id,
        image_seq_length=int((side // patch) ** 2 * ratio**2),
        downsample_ratio=ratio,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",  # without the class token
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
    )


def _is_tiled(fields: Mapping[str, Any]) -> bool:
    """Whether an image may become several tiles."""
    return bool(fields.get("dynamic_image_size", True)) and fields.get("max_dynamic_patch", 12) > 1


def _section(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = fields.get(name)
    if not isinstance(section, dict):
        raise ValueError(f"{name} is missing")
    return section


def _check_supported(
    fields: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any]
) -> None:
    side = vision.get("image_size")
    supported = {
        "llm_config.architectures": (text.get("architectures"), ["Qwen2ForCausalLM"]),
        "ps_version": (fields.get("ps_version"), "v2"),
        "select_layer": (fields.get("select_layer", -1), -1),
        "force_image_size": (fields.get("force_image_size") or side, side),
        # transformers always has a thumbnail beside several tiles
        "use_thumbnail": (fields.get("use_thumbnail", True) or not _is_tiled(fields), True),
    }
    for name, (value, expected) in supported.items():
        if value != expected:
            raise ValueError(f"{name} is {value!r:.60}; only {expected} can be converted")
