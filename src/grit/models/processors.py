"""Loading the processor of a model folder, also of older transformers and InternVL's own layout.

A processor has a tokenizer, an image processor, a video processor (not used here) and a chat
template.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import (
    AutoProcessor,
    AutoTokenizer,
    GotOcr2ImageProcessor,
    InternVLProcessor,
    ProcessorMixin,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
)
from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from grit.core.errors import GritError
from grit.models.folders import (
    PREPROCESSOR,
    PROCESSOR,
    load_errors,
    optional_settings,
    settings_in,
)
from grit.models.internvl_layout import MODEL_TYPE, NAMED_TOKENS, converted_config
from grit.models.templates import check_template

EDGES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
TILES = ("min_patches", "max_patches")
OLD_QWEN = "Qwen2_5_VLImageProcessor"  # the name of Qwen2VLImageProcessor in transformers 4.49
NO_PROCESSOR_HINT = (
    "evaluate a fine-tuned model that is not whole by checkpoint=, beside the model.path that it "
    "was trained from"
)
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
INTERNVL_TEMPLATE = (  # of the models in transformers format
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif content['type'] == 'video' %}{{ '<video>\n' }}"
    "{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)


def load_processor(folder: Path, image: Mapping[str, int]) -> ProcessorMixin:
    """Load the processor of a folder, with overrides of its image settings.

    ``min_pixels`` and ``max_pixels`` of Qwen are set after loading, as the edges of the image
    processor's size: folders on the Hub store them under the old names, which would take
    precedence.

    Raises:
        GritError: there is none, it cannot be loaded, or its chat template is unusable.
    """
    settings = {name: value for name, value in image.items() if name not in EDGES}
    edges = {EDGES[name]: value for name, value in image.items() if name in EDGES}
    if not _has_image_settings(folder):
        raise GritError(
            f"{folder}: there is neither {PREPROCESSOR} nor {PROCESSOR}: {NO_PROCESSOR_HINT}"
        )
    with load_errors(folder, "its processor"):
        processor: ProcessorMixin = _load(folder, settings)
    # Some trainers save a tokenizer with a template, and no processor.
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    if processor.chat_template is None:
        raise GritError(f"{folder}: there is no chat template: {NO_PROCESSOR_HINT}")
    check_template(folder, processor)
    if edges:
        images = processor.image_processor
        images.size = replace(images.size, **edges)
    if image:
        _check_limits(processor.image_processor)
    return processor


def _check_limits(images: Any) -> None:
    """Raise GritError where the smallest size or number of tiles is above the largest."""
    size = images.size
    for what, low, high in (
        ("pixels", getattr(size, "shortest_edge", None), getattr(size, "longest_edge", None)),
        ("patches", getattr(images, "min_patches", None), getattr(images, "max_patches", None)),
    ):
        if low is not None and high is not None and low > high:
            raise GritError(
                f"model.image: min_{what}={low} is above max_{what}={high}; what is not set is as "
                "the model's folder has it"
            )


def check_image_settings(model: str, image: Mapping[str, int], known: Sequence[str]) -> None:
    """Raise GritError for the first override that an image processor would ignore.

    Args:
        model: its family or its path, for the message.
        image: the overrides, ``model.image``.
        known: names that count for this model; none of a tiny one.
    """
    for name in image:
        if name not in known:
            has = " and ".join(known) or "none"
            raise GritError(
                f"model.image.{name} is no setting of {model}, which has {has}: leave it out, or "
                "take model=auto, which sets none"
            )


def stored_image_settings(folder: Path) -> dict[str, int]:
    """The image settings of the processor in a folder, under the names of ``model.image``.

    Empty if there is no processor, as in the folder of many an adapter.
    """
    within = optional_settings(folder, PROCESSOR).get("image_processor")  # since transformers 5
    stored = within if isinstance(within, dict) else optional_settings(folder, PREPROCESSOR)
    size = stored.get("size")
    edges = size if isinstance(size, dict) else {}
    found = {name: edges.get(edge) for name, edge in EDGES.items()}
    found |= {name: stored[name] for name in (*EDGES, *TILES) if stored.get(name) is not None}
    return {name: value for name, value in found.items() if isinstance(value, int)}


def _has_image_settings(folder: Path) -> bool:
    """Whether a folder has settings of an image processor; InternVL's layout: in config.json."""
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        return True
    return any((folder / name).is_file() for name in (PREPROCESSOR, PROCESSOR))


def _load(folder: Path, settings: Mapping[str, Any]) -> Any:
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        return _load_internvl_layout(folder, settings)
    kind = str(optional_settings(folder, PREPROCESSOR).get("image_processor_type"))
    if kind.removesuffix("Fast") == OLD_QWEN:
        return _load_old_qwen(folder, settings)
    return AutoProcessor.from_pretrained(folder, trust_remote_code=False, **settings)


def _load_old_qwen(folder: Path, settings: Mapping[str, Any]) -> ProcessorMixin:
    """Qwen2.5-VL's processor from a folder that has the class names of older transformers."""
    class_names = ("image_processor_type", "processor_class")
    stored = settings_in(folder, PREPROCESSOR) | dict(settings)
    stored = {name: value for name, value in stored.items() if name not in class_names}
    fields, _ = Qwen2_5_VLProcessor.get_processor_dict(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    parts = [Qwen2VLImageProcessor(**stored), tokenizer, Qwen2VLVideoProcessor(**stored)]
    return Qwen2_5_VLProcessor.from_args_and_dict(parts, fields)


def _load_internvl_layout(folder: Path, settings: Mapping[str, Any]) -> ProcessorMixin:
    """The transformers processor of a folder in InternVL's own layout, from its ``config.json``."""
    fields = settings_in(folder)
    tokenizer = AutoTokenizer.from_pretrained(
        folder, trust_remote_code=False, extra_special_tokens=NAMED_TOKENS
    )
    config = converted_config(fields, tokenizer.context_image_token_id)
    side, _ = config.vision_config.image_size
    tile = {"height": side, "width": side}
    tiled = fields.get("dynamic_image_size", True)
    tiles = {
        "min_patches": fields.get("min_dynamic_patch", 1) if tiled else 1,
        "max_patches": fields.get("max_dynamic_patch", 12) if tiled else 1,
    }
    return InternVLProcessor(
        GotOcr2ImageProcessor(size=tile, resample=3, **IMAGENET, **(tiles | dict(settings))),
        tokenizer,
        InternVLVideoProcessor(size=tile),
        image_seq_length=config.image_seq_length,
        chat_template=INTERNVL_TEMPLATE,
    )
