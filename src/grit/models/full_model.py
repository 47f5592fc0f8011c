"""Loading full models from folders, and checking that all of their weights fit."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    GenerationConfig,
    InternVLForConditionalGeneration,
    PretrainedConfig,
    PreTrainedModel,
    ProcessorMixin,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from grit.core.errors import GritError
from grit.models.folders import (
    CONFIG,
    load_errors,
    optional_settings,
    settings_in,
    stored_weights,
)
from grit.models.internvl_layout import MODEL_TYPE, converted_config, converted_weights

FAMILIES = {MODEL_TYPE: "internvl"}  # a model_type of another layout -> that of transformers
GENERATION = "generation_config.json"


def family_of(folder: Path) -> str:
    """The family of a model: its ``model_type`` in transformers.

    Raises:
        GritError: the folder has no configuration with a ``model_type``.
    """
    name = settings_in(folder).get("model_type")
    if not isinstance(name, str):
        raise GritError(f"{folder / CONFIG}: expected a model_type")
    return FAMILIES.get(name, name)


def family_of_lora(settings: Mapping[str, Any]) -> str | None:
    """The family of the model that an adapter of peft was trained on.

    Names of layers do not tell families apart: Qwen2.5-VL's adapter would fit into Qwen3-VL.

    Args:
        settings: in its ``adapter_config.json``.

    Returns:
        None if they name no class of transformers: peft leaves it out for models of one task.
    """
    named = settings.get("auto_mapping")
    stored = named.get("base_model_class") if isinstance(named, Mapping) else None
    families = {name: family for family, name in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.items()}
    return families.get(stored) if isinstance(stored, str) else None


def config_of(folder: Path, image_token_id: int) -> PretrainedConfig:
    """The transformers configuration of a model.

    Args:
        folder: of the model.
        image_token_id: of the tokenizer; InternVL's own layout does not have it in config.json.

    Raises:
        GritError: it cannot be loaded.
    """
    fields = settings_in(folder)
    with load_errors(folder, "its configuration"):
        if fields.get("model_type") == MODEL_TYPE:
            return converted_config(fields, image_token_id)
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def load_full_model(
    folder: Path,
    *,
    image_token_id: int,
    dtype: torch.dtype | str = "auto",
    attention: str = "sdpa",
) -> PreTrainedModel:
    """Load a model from a folder in transformers format or in InternVL's own layout.

    Args:
        folder: of the model.
        image_token_id: as for ``config_of``.
        dtype: of the weights; "auto": as stored.
        attention: transformers' ``attn_implementation``.

    Raises:
        GritError: it cannot be loaded, or weights are missing, unknown or of another shape.
    """
    options = {
        "dtype": dtype,
        "attn_implementation": attention,
        "output_loading_info": True,
        "ignore_mismatched_sizes": True,  # _check_complete refuses them by name
    }
    with load_errors(folder, "the model"):
        if settings_in(folder)["model_type"] == MODEL_TYPE:
            model, loading_info = InternVLForConditionalGeneration.from_pretrained(
                None,
                config=config_of(folder, image_token_id),
                state_dict=converted_weights(stored_weights(folder)),
                trust_remote_code=False,
                **options,
            )
        else:
            model, loading_info = AutoModelForImageTextToText.from_pretrained(
                folder, trust_remote_code=False, **options
            )
    _check_complete(folder, loading_info)
    return model.eval()


def _check_complete(folder: Path, loading_info: Mapping[str, Iterable[Any]]) -> None:
    for name, stored, expected in sorted(loading_info["mismatched_keys"]):
        raise GritError(
            f"{folder}: the weight {name} has the shape {list(stored)}, expected {list(expected)}"
        )
    for kind, what in (("missing_keys", "lacks"), ("unexpected_keys", "has besides its own")):
        names = sorted(map(str, loading_info[kind]))
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise GritError(f"{folder}: the model {what} the weight {names[0]}{more}")


def check_tokens(
    model: PreTrainedModel, processor: ProcessorMixin, checkpoint: Path, base: Path
) -> None:
    """Check that a model fits the tokenizer of the base that it was trained from.

    Its head may lack padding rows of the base's head, and may not have more rows.

    Raises:
        GritError: it does not fit.
    """
    rows = model.get_output_embeddings().weight.shape[0]
    base_rows = config_of(base, processor.image_token_id).get_text_config().vocab_size
    needed = max(id_ for id_ in processor.tokenizer.get_vocab().values() if id_ < base_rows) + 1
    if not needed <= rows <= base_rows:
        raise GritError(
            f"checkpoint={checkpoint} has {rows} tokens, and {base}, whose tokenizer is used, has "
            f"{base_rows}, {needed} of them in use: name a model with a tokenizer of its own by "
            "model.path="
        )
    if model.config.image_token_id != processor.image_token_id:
        raise GritError(
            f"checkpoint={checkpoint}: images are the token {model.config.image_token_id}, and in "
            f"{base}, whose tokenizer is used, {processor.image_token_id}"
        )


def stored_generation_config(folder: Path) -> GenerationConfig | None:
    """The generation config of a folder, which has the end tokens; None if there is none."""
    stored = optional_settings(folder, GENERATION)
    return GenerationConfig.from_dict(stored) if stored else None
