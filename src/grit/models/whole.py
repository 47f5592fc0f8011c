"""Whole models from their folders: every weight in its place, or one line that says what is not."""

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

from grit.core.errors import GritError
from grit.models.folders import (
    CONFIG,
    optional_settings,
    readable,
    settings_in,
    stored_weights,
)
from grit.models.internvl_layout import MODEL_TYPE, converted_config, converted_weights

FAMILIES = {MODEL_TYPE: "internvl"}  # a layout -> the family in transformers that it is one of
GENERATION = "generation_config.json"


def family_of(folder: Path) -> str:
    """A model's family, as transformers calls it.

    Raises:
        GritError: the folder has no configuration that says it.
    """
    name = settings_in(folder).get("model_type")
    if not isinstance(name, str):
        raise GritError(f"{folder / CONFIG}: expected a model_type")
    return FAMILIES.get(name, name)


def config_of(folder: Path, image_token_id: int) -> PretrainedConfig:
    """A model's configuration in transformers.

    Args:
        folder: of the model.
        image_token_id: the tokenizer's, which InternVL's own layout leaves to it.

    Raises:
        GritError: it cannot be loaded.
    """
    fields = settings_in(folder)
    with readable(folder, "its configuration"):
        if fields.get("model_type") == MODEL_TYPE:
            return converted_config(fields, image_token_id)
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def load_whole(
    folder: Path,
    *,
    image_token_id: int,
    dtype: torch.dtype | str = "auto",
    attention: str = "sdpa",
) -> PreTrainedModel:
    """The model of a folder in transformers format or in InternVL's own layout.

    Args:
        folder: where it is.
        image_token_id: as ``config_of``'s.
        dtype: of the weights; "auto" as they are stored.
        attention: transformers' ``attn_implementation``.

    Raises:
        GritError: it cannot be loaded, or its weights are not exactly those of such a model.
    """
    options = {
        "dtype": dtype,
        "attn_implementation": attention,
        "output_loading_info": True,
        "ignore_mismatched_sizes": True,  # they are refused below, by their names
    }
    with readable(folder, "the model"):
        if settings_in(folder)["model_type"] == MODEL_TYPE:
            model, found = InternVLForConditionalGeneration.from_pretrained(
                None,
                config=config_of(folder, image_token_id),
                state_dict=converted_weights(stored_weights(folder)),
                trust_remote_code=False,
                **options,
            )
        else:
            model, found = AutoModelForImageTextToText.from_pretrained(
                folder, trust_remote_code=False, **options
            )
    _check_complete(folder, found)
    return model.eval()


def _check_complete(folder: Path, found: Mapping[str, Iterable[Any]]) -> None:
    for name, stored, expected in sorted(found["mismatched_keys"]):
        raise GritError(
            f"{folder}: the weight {name} has the shape {list(stored)}, expected {list(expected)}"
        )
    for kind, what in (("missing_keys", "lacks"), ("unexpected_keys", "has besides its own")):
        names = sorted(map(str, found[kind]))
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise GritError(f"{folder}: the model {what} the weight {names[0]}{more}")


def check_tokens(
    model: PreTrainedModel, processor: ProcessorMixin, checkpoint: Path, base: Path
) -> None:
    """Check that a model can be asked through the tokenizer of the model it was trained from.

    Its head may lack rows that only pad the base's, and may have none besides.

    Raises:
        GritError: it cannot.
    """
    rows = model.get_output_embeddings().weight.shape[0]
    of_base = config_of(base, processor.image_token_id).get_text_config().vocab_size
    needed = max(id_ for id_ in processor.tokenizer.get_vocab().values() if id_ < of_base) + 1
    if not needed <= rows <= of_base:
        raise GritError(
            f"checkpoint={checkpoint} has {rows} tokens, and {base}, whose tokenizer is used, has "
            f"{of_base}, {needed} of them in use: name a model with a tokenizer of its own by "
            "model.path="
        )
    if model.config.image_token_id != processor.image_token_id:
        raise GritError(
            f"checkpoint={checkpoint}: images are the token {model.config.image_token_id}, and in "
            f"{base}, whose tokenizer is used, {processor.image_token_id}"
        )


def ends_of(folder: Path) -> GenerationConfig | None:
    """What a folder says of generation, which has the tokens that end a completion."""
    stored = optional_settings(folder, GENERATION)
    return GenerationConfig.from_dict(stored) if stored else None
