"""``zai-org/GLM-4.1V-9B-Thinking`` in small; the numbers of its files are from memory.

Its vocabulary cannot be had without the Hub: the byte-pair tokens are Qwen's, and GLM's own tokens
follow them, in their order but not at their ids.
"""

from pathlib import Path
from typing import Any

from replicas.folders import (
    CLIP_MEAN,
    CLIP_STD,
    FEED_FORWARD,
    HEADS,
    KEY_VALUE_HEADS,
    LAYERS,
    WIDTH,
    write_json,
    write_tokenizer,
    write_weights,
)

_SPECIAL = (
    *("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|image|>", "<|video|>"),
)
_PLAIN = (
    *("<think>", "</think>", "<answer>", "</answer>"),
    *("<|begin_of_box|>", "<|end_of_box|>"),
)
GLM_TOKENS = dict(
    enumerate(
        [*((text, True) for text in _SPECIAL), *((text, False) for text in _PLAIN)], start=151643
    )
)
_ID = {text: id_ for id_, (text, _) in GLM_TOKENS.items()}
GLM_TEMPLATE = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message.role }}|>\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}{% if part.type == 'image' or 'image' in part %}"
    "<|begin_of_image|><|image|><|end_of_image|>"
    "{% elif part.type == 'video' or 'video' in part %}"
    "<|begin_of_video|><|video|><|end_of_video|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


def write_glm4v(folder: Path) -> Path:
    """A folder like the Hub's, with two small layers."""
    folder.mkdir(parents=True)
    text: dict[str, Any] = {
        "model_type": "glm4v_text",
        "vocab_size": 151936,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": 65536,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "partial_rotary_factor": 0.5,
        "rope_scaling": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        "eos_token_id": [_ID["<|endoftext|>"], _ID["<|user|>"], _ID["<|observation|>"]],
        "pad_token_id": _ID["<|endoftext|>"],
        "tie_word_embeddings": False,
    }
    vision: dict[str, Any] = {
        "model_type": "glm4v_vision",
        "depth": LAYERS,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "out_hidden_size": WIDTH,
        "num_heads": HEADS,
        "hidden_act": "silu",
        "image_size": 336,
        "in_channels": 3,
        "patch_size": 14,
        "rms_norm_eps": 1e-05,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    write_json(
        folder / "config.json",
        {
            "architectures": ["Glm4vForConditionalGeneration"],
            "model_type": "glm4v",
            "image_token_id": _ID["<|image|>"],
            "video_token_id": _ID["<|video|>"],
            "image_start_token_id": _ID["<|begin_of_image|>"],
            "image_end_token_id": _ID["<|end_of_image|>"],
            "video_start_token_id": _ID["<|begin_of_video|>"],
            "video_end_token_id": _ID["<|end_of_video|>"],
            "tie_word_embeddings": False,
            "transformers_version": "4.53.0",
            "text_config": text,
            "vision_config": vision,
        },
    )
    write_json(
        folder / "generation_config.json",
        {
            "do_sample": True,
            "eos_token_id": [*text["eos_token_id"], _ID["</answer>"]],
            "pad_token_id": _ID["<|endoftext|>"],
            "temperature": 0.8,
            "top_p": 0.6,
            "top_k": 2,
        },
    )
    patches = {
        "patch_size": 14,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "processor_class": "Glm4vProcessor",
    }
    write_json(
        folder / "preprocessor_config.json",
        {
            "size": {"shortest_edge": 12544, "longest_edge": 9633792},
            "image_processor_type": "Glm4vImageProcessor",
            **patches,
        },
    )
    write_json(
        folder / "video_preprocessor_config.json",
        {
            "size": {"shortest_edge": 12544, "longest_edge": 47040000},
            "video_processor_type": "Glm4vVideoProcessor",
            **patches,
        },
    )
    fields = {"chat_template": GLM_TEMPLATE, "eos_token": "<|endoftext|>"}
    write_tokenizer(folder, GLM_TOKENS, fields | {"tokenizer_class": "PreTrainedTokenizerFast"})
    (folder / "chat_template.jinja").write_text(GLM_TEMPLATE)
    write_weights(folder)
    return folder
