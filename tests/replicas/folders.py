"""Replicas of the Hub's folders: files, names and numbers of the real models, two small layers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForImageTextToText

from replicas.vocabulary import INTERNVL_TOKENS, QWEN_TOKENS, tokenizer_json

Age = Literal["old", "new"]
Sizes = tuple[Mapping[str, Any], Mapping[str, Any]]  # fields of the language model and the tower
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD = 64, 2, 4, 2, 128
# What the real towers have instead; a folder of that size is written without weights.
REAL_QWEN = (
    {
        "hidden_size": 2048,
        "intermediate_size": 11008,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    },
    {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
)
REAL_QWEN_7B = (
    REAL_QWEN[0]
    | {
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152064,
    },
    REAL_QWEN[1] | {"out_hidden_size": 3584},
)
REAL_INTERNVL = (
    {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
    },
    {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
    },
)

QWEN_TEMPLATE = (
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}"
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}"
    "{{ message['content'] }}<|im_end|>\n{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "{% set image_count.value = image_count.value + 1 %}{% if add_vision_id %}"
    "Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}"
    "{% set video_count.value = video_count.value + 1 %}{% if add_vision_id %}"
    "Video {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INTERNVL_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif content['type'] == 'video' %}{{ '<video>\n' }}"
    "{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def write_qwen(
    folder: Path,
    *,
    age: Age = "old",
    tied: bool = True,
    image_processor: str = "Qwen2VLImageProcessor",
    seed: int = 0,
    sizes: Sizes | None = None,
) -> Path:
    """``Qwen/Qwen2.5-VL-3B-Instruct`` in small.

    ``old`` is the Hub's folder: ``chat_template.json``, weights under their names of 4.49. ``new``
    names weights as transformers 5 does. ``yfan1997/GRIT-20-Qwen2.5-VL-3B`` was written when the
    class of the image processor was called Qwen2_5_VLImageProcessor.
    """
    folder.mkdir(parents=True)
    old = age == "old"
    text: dict[str, Any] = {
        "vocab_size": 151936,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": 128000,
        "max_window_layers": 70,
        "sliding_window": 32768,
        "use_sliding_window": False,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "tie_word_embeddings": tied,
    }
    vision: dict[str, Any] = {
        "depth": LAYERS,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_heads": HEADS,
        "in_chans": 3,
        "out_hidden_size": WIDTH,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "spatial_patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
        "temporal_patch_size": 2,
    }
    if sizes is not None:
        text, vision = text | sizes[0], vision | sizes[1]
    config = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "vision_start_token_id": 151652,
        "vision_end_token_id": 151653,
        "vision_token_id": 151654,
        "image_token_id": 151655,
        "video_token_id": 151656,
        "tie_word_embeddings": tied,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.41.2",
        "vision_config": vision,
        **text,
    }
    write_json(folder / "config.json", config)
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": 151643,
            "pad_token_id": 151643,
            "do_sample": True,
            "eos_token_id": [151645, 151643],
            "repetition_penalty": 1.05,
            "temperature": 0.000001,
            "transformers_version": "4.49.0",
        },
    )
    write_json(
        folder / "preprocessor_config.json",
        {
            "min_pixels": 3136,
            "max_pixels": 12845056,
            "patch_size": 14,
            "temporal_patch_size": 2,
            "merge_size": 2,
            "image_mean": CLIP_MEAN,
            "image_std": CLIP_STD,
            "image_processor_type": image_processor,
            "processor_class": "Qwen2_5_VLProcessor",
        },
    )
    write_tokenizer(folder, QWEN_TOKENS, {"chat_template": QWEN_TEMPLATE})
    if old:
        write_json(folder / "chat_template.json", {"chat_template": QWEN_TEMPLATE})
    else:
        (folder / "chat_template.jinja").write_text(QWEN_TEMPLATE)
    if sizes is None:
        renamed = {"model.language_model.": "model.", "model.visual.": "visual."}
        write_weights(folder, renamed if old else {}, seed)
    return folder


def write_internvl(
    folder: Path,
    *,
    age: Age = "old",
    sizes: Sizes | None = None,
    text_fields: Mapping[str, Any] | None = None,
    added: Mapping[int, tuple[str, bool]] = INTERNVL_TOKENS,
) -> Path:
    """``OpenGVLab/InternVL3-2B-hf`` in small; with other ``text_fields`` a relative of it.

    ``old``: weights under their names of transformers 4.52, as the Hub has them; ``new``: 5's.
    """
    folder.mkdir(parents=True)
    text: dict[str, Any] = {
        "model_type": "qwen2",
        "vocab_size": 151674,  # none for <video>, 151674
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": 32768,
        "max_window_layers": 70,
        "sliding_window": None,
        "use_sliding_window": False,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        "rope_scaling": {"factor": 2.0, "rope_type": "dynamic", "type": "dynamic"},
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        **(text_fields or {}),
    }
    vision: dict[str, Any] = {
        "model_type": "internvl_vision",
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "image_size": [448, 448],
        "patch_size": [14, 14],
        "attention_bias": True,
        "layer_scale_init_value": 0.1,
        "layer_norm_eps": 1e-06,
        "norm_type": "layer_norm",
        "use_absolute_position_embeddings": True,
        "use_qk_norm": False,
        "torch_dtype": "bfloat16",
    }
    if sizes is not None:
        text, vision = text | sizes[0], vision | sizes[1]
    config = {
        "architectures": ["InternVLForConditionalGeneration"],
        "model_type": "internvl",
        "downsample_ratio": 0.5,
        "image_seq_length": 256,
        "image_token_id": next(id_ for id_, (text, _) in added.items() if text == "<IMG_CONTEXT>"),
        "projector_hidden_act": "gelu",
        "tie_word_embeddings": text["tie_word_embeddings"],
        "vision_feature_layer": -1,
        "vision_feature_select_strategy": "default",
        "torch_dtype": "bfloat16",
        "transformers_version": "4.52.0.dev0",
        "text_config": text,
        "vision_config": vision,
    }
    write_json(folder / "config.json", config)
    write_json(
        folder / "generation_config.json",
        {"_from_model_config": True, "bos_token_id": 151643, "eos_token_id": 151645},
    )
    write_json(
        folder / "preprocessor_config.json",
        {
            "crop_to_patches": False,
            "do_resize": True,
            "size": {"height": 448, "width": 448},
            "min_patches": 1,
            "max_patches": 12,
            "resample": 3,
            "image_mean": IMAGENET_MEAN,
            "image_std": IMAGENET_STD,
            "image_processor_type": "GotOcr2ImageProcessor" + ("Fast" if age == "old" else ""),
            "processor_class": "InternVLProcessor",
        },
    )
    write_json(
        folder / "processor_config.json",
        {"image_seq_length": 256, "processor_class": "InternVLProcessor"},
    )
    named = {
        "context_image_token": "<IMG_CONTEXT>",
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "video_token": "<video>",
    }
    write_tokenizer(folder, added, {"extra_special_tokens": named, **named})
    (folder / "chat_template.jinja").write_text(INTERNVL_TEMPLATE)
    renamed = {
        "model.language_model.": "language_model.model.",
        "model.vision_tower.": "vision_tower.",
        "model.multi_modal_projector.": "multi_modal_projector.",
        "lm_head.": "language_model.lm_head.",
    }
    if sizes is None:
        write_weights(folder, renamed if age == "old" else {})
    return folder


def write_tokenizer(
    folder: Path, added: Mapping[int, tuple[str, bool]], more: Mapping[str, Any]
) -> None:
    (folder / "tokenizer.json").write_text(tokenizer_json(added), encoding="utf-8")
    decoder = {
        str(id_): {
            "content": text,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": special,
        }
        for id_, (text, special) in added.items()
    }
    special = [text for text, is_special in added.values() if is_special]
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": False,
            "add_prefix_space": False,
            "added_tokens_decoder": decoder,
            "additional_special_tokens": special[1:],  # all but <|endoftext|>
            "bos_token": None,
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>",
            "errors": "replace",
            "model_max_length": 131072,
            "pad_token": "<|endoftext|>",
            "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None,
            **more,
        },
    )


def write_weights(folder: Path, renamed: Mapping[str, str] | None = None, seed: int = 0) -> None:
    """Random weights in bf16, in two files with an index, under other names where told."""
    config = AutoConfig.from_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForImageTextToText.from_config(config).to(torch.bfloat16)
    weights = {
        _renamed(name, renamed or {}): weight.contiguous()
        for name, weight in model.state_dict().items()
        if not (config.tie_word_embeddings and name == "lm_head.weight")
    }
    names = sorted(weights)
    halves = names[: len(names) // 2], names[len(names) // 2 :]
    index = {}
    for number, half in enumerate(halves, 1):
        file = f"model-0000{number}-of-00002.safetensors"
        save_file({name: weights[name] for name in half}, folder / file, {"format": "pt"})
        index |= dict.fromkeys(half, file)
    size = sum(weight.nbytes for weight in weights.values())
    write_json(
        folder / "model.safetensors.index.json",
        {"metadata": {"total_size": size}, "weight_map": index},
    )


def _renamed(name: str, renamed: Mapping[str, str]) -> str:
    for start, other in renamed.items():
        if name.startswith(start):
            return other + name.removeprefix(start)
    return name


def write_json(path: Path, fields: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(fields, indent=2), encoding="utf-8")
