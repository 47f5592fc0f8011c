"""A model without its weights: what can be known of a run before anything large is loaded."""

from collections.abc import Mapping

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, GenerationConfig

from grit.errors import GritError
from grit.models.adapter import Adapter
from grit.models.loading import ADAPTERS, TINY, _family, _processor, model_folder
from grit.models.tiny import shipped_folder, tiny_family


def load_skeleton(
    path: str, *, revision: str | None = None, image: Mapping[str, int] | None = None
) -> Adapter:
    """An adapter whose model has every module and shape, and no numbers in them.

    Args:
        path: as ``load_base``'s; of a Hub id all files but the weights are downloaded.
        revision: of the Hub.
        image: as ``load_base``'s.

    Raises:
        GritError: as ``load_base``.
    """
    if path.startswith(TINY):
        folder = shipped_folder(tiny_family(path.removeprefix(TINY)))
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    else:
        folder = model_folder(path, revision)
        processor = _processor(folder, image or {})
    family = _family(folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    try:
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config, trust_remote_code=False)
        model.generation_config = GenerationConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise GritError(f"model: {folder} cannot be loaded: {error}") from error
    return ADAPTERS[family](model.eval(), processor)
