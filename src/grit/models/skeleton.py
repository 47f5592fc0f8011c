"""A model without its weights: what can be known of a run before anything large is loaded."""

from collections.abc import Mapping

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from grit.models.adapter import Adapter
from grit.models.folders import readable
from grit.models.hub import model_folder
from grit.models.loading import ADAPTERS, known_family
from grit.models.names import TINY
from grit.models.processors import load_processor
from grit.models.tiny import shipped_folder, tiny_family
from grit.models.whole import config_of, ends_of, family_of


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
        family = family_of(folder)
    else:
        folder = model_folder(path, revision, weights=False)
        family = known_family(folder)
        processor = load_processor(folder, image or {})
    config = config_of(folder, processor.image_token_id)
    with readable(folder, "the model"), torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, trust_remote_code=False)
    model.generation_config = ends_of(folder) or model.generation_config
    return ADAPTERS[family](model.eval(), processor)
