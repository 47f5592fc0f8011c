"""The model that the settings describe: loaded, frozen, with LoRA and trained weights in place.

A skeleton is the model on the meta device: every module and shape, without weights, for checks
before a run.
"""

import logging
from collections.abc import Mapping

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from grit.models.adapter import Adapter
from grit.models.features import MEBIBYTE, FeatureCache
from grit.models.folders import load_errors
from grit.models.full_model import config_of, family_of, stored_generation_config
from grit.models.hub import model_folder
from grit.models.loading import (
    ADAPTERS,
    Checkpoint,
    freeze_vision,
    known_family,
    load_base,
    load_trained,
)
from grit.models.lora import add_lora
from grit.models.names import TINY
from grit.models.processors import check_image_settings, load_processor
from grit.models.settings import ModelSettings
from grit.models.tiny import shipped_folder, tiny_family

log = logging.getLogger(__name__)


def make_adapter(
    model: ModelSettings,
    *,
    learning: bool,
    feature_cache_mib: int = 0,
    checkpoint: Checkpoint | None = None,
) -> Adapter:
    """The base model, or what was trained from it.

    Args:
        model: the settings.
        learning: what does not learn is frozen and LoRA is in place.
        feature_cache_mib: of image features that are kept where the vision tower is frozen.
        checkpoint: trained weights in place of the base's; not for ``learning``.
    """
    whole = checkpoint if checkpoint is not None and checkpoint.is_full_model else None
    adapter = load_base(
        model.path,
        seed=model.seed,
        revision=model.revision,
        dtype=getattr(torch, model.dtype),
        attention=model.attention,
        image=model.image,
        trained=None if whole is None else whole.path,
    )
    if not model.path.startswith(TINY):
        log.info("%s: a model of the family %s", model.path, adapter.plain.config.model_type)
    adapter.prompt_form = model.prompt
    if checkpoint is not None and whole is None:
        if checkpoint.path.is_file() and model.adaptation == "lora":
            make_trainable(adapter, model)  # puts in what the file has weights for
        load_trained(adapter, checkpoint.path)
    if learning:
        make_trainable(adapter, model)
    if (model.freeze_vision or not learning) and feature_cache_mib:
        adapter.feature_cache = FeatureCache(feature_cache_mib * MEBIBYTE)
    return adapter


def make_trainable(adapter: Adapter, model: ModelSettings) -> None:
    """Freeze what does not learn, put LoRA in."""
    if model.freeze_vision:
        freeze_vision(adapter)
    if model.adaptation == "lora":
        add_lora(adapter, model.lora, with_vision=not model.freeze_vision)


def make_skeleton(model: ModelSettings) -> Adapter:
    """The model without its weights."""
    adapter = load_skeleton(model.path, revision=model.revision, image=model.image)
    adapter.prompt_form = model.prompt
    return adapter


def load_skeleton(
    path: str, *, revision: str | None = None, image: Mapping[str, int] | None = None
) -> Adapter:
    """An adapter whose model is on the meta device.

    Args:
        path: as for ``load_base``; of a model on the Hub all files but the weights are downloaded.
        revision: as for ``load_base``.
        image: as for ``load_base``.

    Raises:
        GritError: as ``load_base``.
    """
    if path.startswith(TINY):
        check_image_settings(path, image or {}, ())
        folder = shipped_folder(tiny_family(path.removeprefix(TINY)))
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
        family = family_of(folder)
    else:
        folder = model_folder(path, revision, weights=False)
        family = known_family(folder)
        check_image_settings(family, image or {}, ADAPTERS[family].image_settings)
        processor = load_processor(folder, image or {})
    config = config_of(folder, processor.image_token_id)
    with load_errors(folder, "the model"), torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, trust_remote_code=False)
    model.generation_config = stored_generation_config(folder) or model.generation_config
    return ADAPTERS[family](model.eval(), processor)
