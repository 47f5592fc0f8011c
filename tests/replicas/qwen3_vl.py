"""``Qwen/Qwen3-VL-2B-Instruct`` in small; the numbers of its files are from memory."""

from pathlib import Path
from typing import Any

from replicas.folders import (
    FEED_FORWARD,
    HEADS,
    KEY_VALUE_HEADS,
    LAYERS,
    WIDTH,
    Sizes,
    write_json,
    write_tokenizer,
    write_weights,
)
from replicas.vocabulary import QWEN3_TOKENS

# The part about user's and model's turns; the Hub's has tools before it.
QWEN3_TEMPLATE = (
    "{%- if messages[0].role == 'system' %}{{- '<|im_start|>system\\n' }}"
    "{{- messages[0].content if messages[0].content is string else messages[0].content[0].text }}"
    "{{- '<|im_end|>\\n' }}{%- endif %}"
    "{%- set image_count = namespace(value=0) %}{%- set video_count = namespace(value=0) %}"
    "{%- for message in messages %}{%- if message.role != 'system' %}"
    "{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string %}{{- message.content }}{%- else %}"
    "{%- for content in message.content %}"
    "{%- if content.type == 'image' or 'image' in content or 'image_url' in content %}"
    "{%- set image_count.value = image_count.value + 1 %}"
    "{%- if add_vision_id %}Picture {{ image_count.value }}: {% endif -%}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{%- elif content.type == 'video' or 'video' in content %}"
    "{%- set video_count.value = video_count.value + 1 %}"
    "{%- if add_vision_id %}Video {{ video_count.value }}: {% endif -%}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{%- elif 'text' in content %}{{- content.text }}{%- endif %}{%- endfor %}{%- endif %}"
    "{{- '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
HALF = [0.5, 0.5, 0.5]
SMALL: Sizes = (
    {
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "head_dim": 32,  # more than hidden_size / heads, as in the 4B
        "rope_scaling": {
            "rope_type": "default",
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
    },
    {
        "depth": LAYERS + 1,
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_heads": HEADS,
        "out_hidden_size": WIDTH,
        "deepstack_visual_indexes": [0, 1],
    },
)


def real(
    hidden: int, intermediate: int, layers: int, heads: int, vision: dict[str, Any] | None = None
) -> Sizes:
    """The sizes of a real model: of its language model, and of its vision tower."""
    text = {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "rope_scaling": {
            "rope_type": "default",
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    }
    tower = {
        "depth": 24,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_heads": 16,
        "out_hidden_size": hidden,
        "deepstack_visual_indexes": [5, 11, 17],
    }
    return text, tower | (vision or {})


LARGER_TOWER = {
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "deepstack_visual_indexes": [8, 16, 24],
}
REAL = {
    "2b": real(2048, 6144, 28, 16),
    "4b": real(2560, 9728, 36, 32),
    "8b": real(4096, 12288, 36, 32, LARGER_TOWER),
}


def write_qwen3(folder: Path, *, sizes: Sizes | None = None, tied: bool = True) -> Path:
    """A folder like the Hub's; one of real ``sizes`` is written without weights."""
    folder.mkdir(parents=True)
    small = sizes or SMALL
    text: dict[str, Any] = {
        "model_type": "qwen3_vl_text",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "hidden_act": "silu",
        "max_position_embeddings": 262144,
        "rms_norm_eps": 1e-06,
        "rope_theta": 5000000,
        "tie_word_embeddings": tied,
        "vocab_size": 151936,
        "dtype": "bfloat16",
        **small[0],
    }
    vision: dict[str, Any] = {
        "model_type": "qwen3_vl",
        "hidden_act": "gelu_pytorch_tanh",
        "in_channels": 3,
        "num_position_embeddings": 2304,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        **small[1],
    }
    write_json(
        folder / "config.json",
        {
            "architectures": ["Qwen3VLForConditionalGeneration"],
            "model_type": "qwen3_vl",
            "image_token_id": 151655,
            "video_token_id": 151656,
            "vision_start_token_id": 151652,
            "vision_end_token_id": 151653,
            "tie_word_embeddings": tied,
            "transformers_version": "4.57.0.dev0",
            "text_config": text,
            "vision_config": vision,
        },
    )
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": 151643,
            "pad_token_id": 151643,
            "do_sample": True,
            "eos_token_id": [151645, 151643],
            "top_k": 20,
            "top_p": 0.8,
            "repetition_penalty": 1.0,
            "temperature": 0.7,
            "transformers_version": "4.56.0",
        },
    )
    patches = {
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": HALF,
        "image_std": HALF,
        "processor_class": "Qwen3VLProcessor",
    }
    write_json(
        folder / "preprocessor_config.json",
        {
            "size": {"longest_edge": 16777216, "shortest_edge": 65536},
            "image_processor_type": "Qwen2VLImageProcessorFast",
            **patches,
        },
    )
    write_json(
        folder / "video_preprocessor_config.json",
        {
            "size": {"longest_edge": 25165824, "shortest_edge": 4096},
            "video_processor_type": "Qwen3VLVideoProcessor",
            **patches,
        },
    )
    write_tokenizer(folder, QWEN3_TOKENS, {"chat_template": QWEN3_TEMPLATE})
    write_json(folder / "chat_template.json", {"chat_template": QWEN3_TEMPLATE})
    if sizes is None:
        write_weights(folder)
    return folder
