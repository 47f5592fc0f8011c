"""The tiny models: the transformers classes of both families with small configurations.

A tiny model takes the same code path as a large one: it has the same model, processor and image
processor classes, the same kind of chat template and the same coordinate space. A drawn scene of
96 x 96 pixels has 36 image tokens in either family: patches of 8 pixels, merged 2 x 2.
"""

from pathlib import Path
from typing import Any, get_args

import torch
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    GotOcr2ImageProcessor,
    InternVLConfig,
    InternVLProcessor,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
)
from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from grit.core.errors import GritError
from grit.models.tiny_tokenizer import Family

ASSETS = Path(__file__).parent.parent / "assets"
SCENE = 96  # side of a drawn scene and of InternVL's tiles, in pixels
PATCH = 8  # side of a patch, in pixels
IMAGE_TOKENS = (SCENE // PATCH // 2) ** 2
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD = 128, 4, 4, 2, 352
VISION_WIDTH, VISION_LAYERS, VISION_HEADS, VISION_FEED_FORWARD = 128, 4, 4, 352

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
IMAGE_MARKS: dict[Family, str] = {
    "qwen": "<|vision_start|><|image_pad|><|vision_end|>",
    "internvl": "<IMG_CONTEXT>\n",
}


def build_tiny(family: Family, seed: int) -> tuple[PreTrainedModel, ProcessorMixin]:
    """A model with random weights by ``seed``, and the shipped processor.

    The global random state is not changed.
    """
    processor = AutoProcessor.from_pretrained(shipped_folder(family), trust_remote_code=False)
    return random_model(family, processor.tokenizer, seed), processor


def shipped_folder(family: Family) -> Path:
    """The folder with the tokenizer, processor and weights of the tiny model of a family."""
    folder = ASSETS / f"tiny_{family}"
    if not (folder / "tokenizer.json").is_file():
        raise GritError(
            f"{folder}: expected the tiny model's tokenizer here; reinstall the package, "
            f"or make it again with python -m grit task=pretrain model=tiny_{family}"
        )
    return folder


def random_model(family: Family, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A model of about two million parameters in fp32 with random weights, in evaluation mode."""
    config = _config(family, tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForImageTextToText.from_config(
            config, trust_remote_code=False
        )
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.eval()


def make_processor(family: Family, tokenizer: PreTrainedTokenizerFast) -> ProcessorMixin:
    """The family's processor with ``tokenizer`` and image sizes for tiny models."""
    template = CHAT_TEMPLATE.replace("IMAGE", IMAGE_MARKS[family])
    if family == "qwen":
        pixels = {"patch_size": PATCH, "min_pixels": SCENE * SCENE, "max_pixels": 128 * 128}
        return Qwen2_5_VLProcessor(
            Qwen2VLImageProcessor(**pixels),
            tokenizer,
            Qwen2VLVideoProcessor(**pixels),
            chat_template=template,
        )
    tile = {"height": SCENE, "width": SCENE}
    return InternVLProcessor(
        GotOcr2ImageProcessor(size=tile, crop_to_patches=True, min_patches=1, max_patches=2),
        tokenizer,
        InternVLVideoProcessor(size=tile),
        image_seq_length=IMAGE_TOKENS,
        chat_template=template,
    )


def family_config(
    family: Family,
    tokenizer: PreTrainedTokenizerFast,
    text: dict[str, Any],
    vision: dict[str, Any],
    image_tokens: int,
) -> PretrainedConfig:
    """A configuration of a family.

    Args:
        family: of the model.
        tokenizer: for the size of the vocabulary and the ids of special tokens.
        text: other fields of the language model.
        vision: fields of the vision tower.
        image_tokens: per image; not used for Qwen2.5-VL, which computes it.
    """
    token = tokenizer.convert_tokens_to_ids
    text = text | {
        "vocab_size": len(tokenizer),
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if family == "qwen":
        return Qwen2_5_VLConfig(
            text_config=text,
            vision_config=vision,
            image_token_id=token("<|image_pad|>"),
            video_token_id=token("<|video_pad|>"),
            vision_start_token_id=token("<|vision_start|>"),
            vision_end_token_id=token("<|vision_end|>"),
            tie_word_embeddings=text["tie_word_embeddings"],
        )
    return InternVLConfig(
        text_config=text | {"model_type": "qwen2"},
        vision_config=vision | {"attention_bias": True},
        image_token_id=token("<IMG_CONTEXT>"),
        image_seq_length=image_tokens,
        tie_word_embeddings=text["tie_word_embeddings"],
    )


def _config(family: Family, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    text: dict[str, Any] = {
        "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e5},
    }
    vision: dict[str, Any]
    if family == "qwen":
        # Of the 16 frequencies of a head: time, height, width.
        text["rope_parameters"] |= {"mrope_section": [4, 6, 6]}
        vision = {
            "depth": VISION_LAYERS,
            "hidden_size": VISION_WIDTH,
            "intermediate_size": VISION_FEED_FORWARD,
            "num_heads": VISION_HEADS,
            "out_hidden_size": WIDTH,
            "patch_size": PATCH,
            "window_size": SCENE,
            "fullatt_block_indexes": list(range(VISION_LAYERS)),
        }
    else:
        vision = {
            "hidden_size": VISION_WIDTH,
            "num_hidden_layers": VISION_LAYERS,
            "num_attention_heads": VISION_HEADS,
            "intermediate_size": VISION_WIDTH * 4,
            "image_size": [SCENE, SCENE],
            "patch_size": [PATCH, PATCH],
            "layer_scale_init_value": 1.0,  # the 0.1 of deep towers slows four layers down
        }
    return family_config(family, tokenizer, text, vision, IMAGE_TOKENS)


def tiny_family(name: str) -> Family:
    """The family of a tiny model by its name; raises GritError if there is no such model."""
    families: dict[str, Family] = {family: family for family in get_args(Family)}
    requested: Family | None = families.get(name.removesuffix("-random"))
    if requested is None:
        known = ", ".join(f"tiny:{family}, tiny:{family}-random" for family in families)
        raise GritError(f"model.path=tiny:{name}: there are {known}")
    return requested


def load_tiny(name: str, seed: int) -> tuple[PreTrainedModel, ProcessorMixin]:
    """The shipped model; random weights if none are shipped or ``name`` ends in ``-random``.

    Raises:
        GritError: there is no such model.
    """
    family = tiny_family(name)
    folder = shipped_folder(family)
    if name != family or not (folder / "model.safetensors").is_file():
        return build_tiny(family, seed)
    model = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, trust_remote_code=False
    )
    return model.eval(), AutoProcessor.from_pretrained(folder, trust_remote_code=False)
