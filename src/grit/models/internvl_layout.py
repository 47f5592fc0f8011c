"""InternVL's own layout, in the names of transformers.

InternVL's repositories, and models fine-tuned with InternVL's code, as GRIT's released one, have
``model_type: internvl_chat``: a vision tower ``vision_model`` with query, key and value in one
matrix, a projector ``mlp1``, a language model ``language_model``. Copies for transformers have the
same numbers under other names.

A tower in training skips layers at random there (``drop_path_rate``), which transformers' does not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from transformers import InternVLConfig

MODEL_TYPE = "internvl_chat"
IMAGE_TOKEN = "<IMG_CONTEXT>"

_TOWER = "model.vision_tower."
_BEGINNINGS = {
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
_OF_LAYER = {
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

_OF_VISION = {  # a field there -> here
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
_OF_TEXT = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "hidden_act"),
    *("num_attention_heads", "num_key_value_heads", "max_position_embeddings", "rms_norm_eps"),
    *("rope_theta", "rope_scaling", "use_sliding_window", "sliding_window", "max_window_layers"),
    *("attention_dropout", "bos_token_id", "eos_token_id"),
)


def converted_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names that ``InternVLForConditionalGeneration`` has for them.

    Raises:
        ValueError: a name is none of InternVL's layout.
    """
    return {
        name: tensor
        for stored, weight in weights.items()
        for name, tensor in _converted(stored, weight)
    }


def _converted(stored: str, weight: Tensor) -> Iterator[tuple[str, Tensor]]:
    layer = _LAYER.fullmatch(stored)
    if layer is None:
        yield _renamed(stored, _BEGINNINGS, stored), weight
        return
    number, rest = layer.groups()
    if rest.startswith(_FUSED):
        for name, part in zip(_PARTS, weight.chunk(3), strict=True):
            yield f"{_TOWER}encoder.layer.{number}.{name}{rest.removeprefix(_FUSED)}", part
        return
    yield f"{_TOWER}encoder.layer.{number}.{_renamed(rest, _OF_LAYER, stored)}", weight


def _renamed(name: str, beginnings: Mapping[str, str], stored: str) -> str:
    for beginning, other in beginnings.items():
        if name.startswith(beginning):
            return other + name.removeprefix(beginning)
    raise ValueError(f"{stored} is no weight of InternVL's layout")


def converted_config(fields: Mapping[str, Any], image_token_id: int) -> InternVLConfig:
    """The configuration of the same model in transformers.

    Raises:
        ValueError: transformers has no such model.
    """
    vision, text = _part(fields, "vision_config"), _part(fields, "llm_config")
    _check(fields, vision, text)
    side, patch = vision["image_size"], vision["patch_size"]
    ratio = fields.get("downsample_ratio", 0.5)
    return InternVLConfig(
        text_config={"model_type": "qwen2", "tie_word_embeddings": False}
        | {name: text[name] for name in _OF_TEXT if name in text},
        vision_config={"image_size": [side, side], "patch_size": [patch, patch]}
        | {here: vision[there] for there, here in _OF_VISION.items() if there in vision},
        image_token_id=image_token_id,
        image_seq_length=int((side // patch) ** 2 * ratio**2),
        downsample_ratio=ratio,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",  # without the class token
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
    )


def _part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = fields.get(name)
    if not isinstance(part, dict):
        raise ValueError(f"{name} is missing")
    return part


def _check(fields: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any]) -> None:
    side = vision.get("image_size")
    wanted = {
        "llm_config.architectures": (text.get("architectures"), ["Qwen2ForCausalLM"]),
        "ps_version": (fields.get("ps_version"), "v2"),
        "select_layer": (fields.get("select_layer", -1), -1),
        "force_image_size": (fields.get("force_image_size") or side, side),
    }
    for name, (value, expected) in wanted.items():
        if value != expected:
            raise ValueError(f"{name} is {value!r:.60}; only {expected} can be converted")
