"""From a model folder to its processor: stored settings, ours above them, classes renamed since.

A processor is a tokenizer, an image processor, a video processor (which nothing here uses), and a
chat template.
"""

from collections.abc import Mapping
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
from grit.models.folders import PREPROCESSOR, PROCESSOR, optional_settings, readable, settings_in
from grit.models.internvl_layout import IMAGE_TOKEN, MODEL_TYPE, converted_config
from grit.models.templates import check_template

EDGES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
OLD_QWEN = "Qwen2_5_VLImageProcessor"  # as transformers 4.49 called Qwen2VLImageProcessor
NAMED_TOKENS = {  # of InternVL; what transformers' processor asks its tokenizer for
    "context_image_token": IMAGE_TOKEN,
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "video_token": "<video>",
}
ONLY_WEIGHTS = (
    "evaluate a fine-tuned model that is not whole by checkpoint=, beside the model.path that it "
    "was trained from"
)
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
INTERNVL_TEMPLATE = (  # that of transformers' copies
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
    """The processor of a folder, with other image settings.

    Qwen's pixel bounds have become the edges of a size, which is set afterwards: those that the
    Hub's folders have under their old names would win over it.

    Raises:
        GritError: there is none, or it cannot be loaded, or its chat template cannot be used.
    """
    settings = {name: value for name, value in image.items() if name not in EDGES}
    edges = {EDGES[name]: value for name, value in image.items() if name in EDGES}
    if not _describes_images(folder):
        raise GritError(
            f"{folder}: there is neither {PREPROCESSOR} nor {PROCESSOR}: {ONLY_WEIGHTS}"
        )
    with readable(folder, "its processor"):
        processor: ProcessorMixin = _stored(folder, settings)
    # Some trainers save a tokenizer, with its template, and no processor.
    processor.chat_template = processor.chat_template or processor.tokenizer.chat_template
    if processor.chat_template is None:
        raise GritError(f"{folder}: there is no chat template: {ONLY_WEIGHTS}")
    check_template(folder, processor)
    if edges:
        images = processor.image_processor
        images.size = replace(images.size, **edges)
    return processor


def _describes_images(folder: Path) -> bool:
    """Whether a folder says how images are prepared; InternVL's own layout does in config.json."""
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        return True
    return any((folder / name).is_file() for name in (PREPROCESSOR, PROCESSOR))


def _stored(folder: Path, settings: Mapping[str, Any]) -> Any:
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        return _of_internvl_layout(folder, settings)
    kind = str(optional_settings(folder, PREPROCESSOR).get("image_processor_type"))
    if kind.removesuffix("Fast") == OLD_QWEN:
        return _of_old_qwen(folder, settings)
    return AutoProcessor.from_pretrained(folder, trust_remote_code=False, **settings)


def _of_old_qwen(folder: Path, settings: Mapping[str, Any]) -> ProcessorMixin:
    """Qwen2.5-VL's processor by its parts, whose classes the folder calls by former names."""
    named = ("image_processor_type", "processor_class")
    stored = settings_in(folder, PREPROCESSOR) | dict(settings)
    stored = {name: value for name, value in stored.items() if name not in named}
    whole, _ = Qwen2_5_VLProcessor.get_processor_dict(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    parts = [Qwen2VLImageProcessor(**stored), tokenizer, Qwen2VLVideoProcessor(**stored)]
    return Qwen2_5_VLProcessor.from_args_and_dict(parts, whole)


def _of_internvl_layout(folder: Path, settings: Mapping[str, Any]) -> ProcessorMixin:
    """The processor of transformers around a tokenizer of InternVL's own layout.

    The numbers are those of its configuration; cutting images into tiles is what the
    processor does by itself.
    """
    fields = settings_in(folder)
    tokenizer = AutoTokenizer.from_pretrained(
        folder, trust_remote_code=False, extra_special_tokens=NAMED_TOKENS
    )
    config = converted_config(fields, tokenizer.context_image_token_id)
    side, _ = config.vision_config.image_size
    tile = {"height": side, "width": side}
    tiles = {
        "min_patches": fields.get("min_dynamic_patch", 1),
        "max_patches": fields.get("max_dynamic_patch", 12),
    }
    return InternVLProcessor(
        GotOcr2ImageProcessor(size=tile, resample=3, **IMAGENET, **(tiles | dict(settings))),
        tokenizer,
        InternVLVideoProcessor(size=tile),
        image_seq_length=config.image_seq_length,
        chat_template=INTERNVL_TEMPLATE,
    )
