"""What differs between the tiny models: transformers classes with small configurations.

A tiny model takes the same code path as a large one: it has the same model, processor and image
processor classes, the same kind of chat template and the same coordinate space. A drawn scene of
96 x 96 pixels has 36 image tokens in every family: patches of 8 pixels, merged 2 x 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from transformers import (
    GotOcr2ImageProcessor,
    InternVLConfig,
    InternVLProcessor,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLProcessor,
)
from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor

from grit.grounding.box_lists import BoxStyle
from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.tiny_tokenizer import Family

SCENE = 96  # side of a drawn scene and of InternVL's tiles, in pixels
PATCH = 8  # side of a patch, in pixels
IMAGE_TOKENS = (SCENE // PATCH // 2) ** 2
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD = 128, 4, 4, 2, 352
VISION_WIDTH, VISION_LAYERS, VISION_HEADS, VISION_FEED_FORWARD = 128, 4, 4, 352
DEEPSTACK = [1, 2]  # vision layers whose features enter behind the first language layers

# ChatML without a system prompt.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE"
    "{% elif part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN_MARK, INTERNVL_MARK = "<|vision_start|><|image_pad|><|vision_end|>", "<IMG_CONTEXT>\n"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class TinyFamily:
    """What differs between the tiny models."""

    title: str  # the family, in the model card
    style: BoxStyle  # of boxes in examples, as of the family's adapter
    space: Space  # of the boxes that the model writes about a drawn scene
    image_mark: str  # the image in the chat template
    processor: Callable[[PreTrainedTokenizerFast, str], ProcessorMixin]
    config: Callable[[PreTrainedTokenizerFast, Fields, Fields, int], PretrainedConfig]
    text: Fields  # of the language model's configuration, besides what all have
    vision: Fields  # of the vision tower's

    def tiny_config(self, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
        """The configuration of the tiny model."""
        rope = {"rope_type": "default", "rope_theta": 1e5, **self.text.get("rope_parameters", {})}
        text = {**TEXT, **self.text, "rope_parameters": rope}
        return self.config(tokenizer, text | tokens_of(tokenizer), self.vision, IMAGE_TOKENS)


TEXT: Fields = {
    "hidden_size": WIDTH,
    "intermediate_size": FEED_FORWARD,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_VALUE_HEADS,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
}
QWEN_VISION: Fields = {
    "depth": VISION_LAYERS,
    "hidden_size": VISION_WIDTH,
    "intermediate_size": VISION_FEED_FORWARD,
    "num_heads": VISION_HEADS,
    "out_hidden_size": WIDTH,
    "patch_size": PATCH,
}


def make_processor(family: Family, tokenizer: PreTrainedTokenizerFast) -> ProcessorMixin:
    """The family's processor with ``tokenizer`` and image sizes for tiny models."""
    template = CHAT_TEMPLATE.replace("IMAGE", FAMILIES[family].image_mark)
    return FAMILIES[family].processor(tokenizer, template)


def tokens_of(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """The fields of a language model's configuration that hang on its tokenizer."""
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _qwen_config(
    kind: type[PretrainedConfig],
    tokenizer: PreTrainedTokenizerFast,
    text: Fields,
    vision: Fields,
    image_tokens: int,
) -> PretrainedConfig:
    """A configuration of Qwen2.5-VL or Qwen3-VL."""
    token = tokenizer.convert_tokens_to_ids
    return kind(
        text_config=dict(text),
        vision_config=dict(vision),
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=text["tie_word_embeddings"],
    )


def _internvl_config(
    tokenizer: PreTrainedTokenizerFast, text: Fields, vision: Fields, image_tokens: int
) -> PretrainedConfig:
    return InternVLConfig(
        text_config={**text, "model_type": "qwen2"},
        vision_config={**vision, "attention_bias": True},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=image_tokens,
        tie_word_embeddings=text["tie_word_embeddings"],
    )


def _qwen_processor(tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
    pixels = {"patch_size": PATCH, "min_pixels": SCENE * SCENE, "max_pixels": 128 * 128}
    images, videos = Qwen2VLImageProcessor(**pixels), Qwen2VLVideoProcessor(**pixels)
    return Qwen2_5_VLProcessor(images, tokenizer, videos, chat_template=template)


def _qwen3_processor(tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    pixels = {"patch_size": PATCH, "min_pixels": SCENE * SCENE, "max_pixels": 128 * 128, **half}
    images, videos = Qwen2VLImageProcessor(**pixels), Qwen3VLVideoProcessor(patch_size=PATCH)
    return Qwen3VLProcessor(images, tokenizer, videos, chat_template=template)


def _internvl_processor(tokenizer: PreTrainedTokenizerFast, template: str) -> ProcessorMixin:
    tile = {"height": SCENE, "width": SCENE}
    return InternVLProcessor(
        GotOcr2ImageProcessor(size=tile, crop_to_patches=True, min_patches=1, max_patches=2),
        tokenizer,
        InternVLVideoProcessor(size=tile),
        image_seq_length=IMAGE_TOKENS,
        chat_template=template,
    )


FAMILIES: dict[Family, TinyFamily] = {
    "qwen": TinyFamily(
        title="Qwen2.5-VL",
        style="json",
        space=Space("original", SCENE, SCENE),
        image_mark=QWEN_MARK,
        processor=_qwen_processor,
        config=partial(_qwen_config, Qwen2_5_VLConfig),
        # Of the 16 frequencies of a head: time, height, width.
        text={"rope_parameters": {"mrope_section": [4, 6, 6]}},
        vision={
            **QWEN_VISION,
            "window_size": SCENE,
            "fullatt_block_indexes": list(range(VISION_LAYERS)),
        },
    ),
    "internvl": TinyFamily(
        title="InternVL3",
        style="internvl",
        space=NORMALIZED_1000,
        image_mark=INTERNVL_MARK,
        processor=_internvl_processor,
        config=_internvl_config,
        text={},
        vision={
            "hidden_size": VISION_WIDTH,
            "num_hidden_layers": VISION_LAYERS,
            "num_attention_heads": VISION_HEADS,
            "intermediate_size": VISION_WIDTH * 4,
            "image_size": [SCENE, SCENE],
            "patch_size": [PATCH, PATCH],
            "layer_scale_init_value": 1.0,  # the 0.1 of deep towers slows four layers down
        },
    ),
    "qwen3": TinyFamily(
        title="Qwen3-VL",
        style="json",
        space=NORMALIZED_1000,
        image_mark=QWEN_MARK,
        processor=_qwen3_processor,
        config=partial(_qwen_config, Qwen3VLConfig),
        text={
            "head_dim": WIDTH // HEADS,
            # Interleaved: of the 16 frequencies of a head, time, height and width in turn.
            "rope_parameters": {"mrope_section": [6, 5, 5], "mrope_interleaved": True},
        },
        vision={
            **QWEN_VISION,
            "num_position_embeddings": (SCENE // PATCH) ** 2,  # a place each: none between
            "deepstack_visual_indexes": DEEPSTACK,
        },
    ),
}
