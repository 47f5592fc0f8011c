"""Models on the meta device: every module and shape, without weights, for checks before a run."""

from collections.abc import Mapping

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from grit.models.adapter import Adapter
from grit.models.folders import load_errors
from grit.models.full_model import config_of, family_of, stored_generation_config
from grit.models.hub import model_folder
from grit.models.loading import ADAPTERS, known_family
from grit.models.names import TINY
from grit.models.processors import check_image_settings, load_processor
from grit.models.tiny import shipped_folder, tiny_family


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
