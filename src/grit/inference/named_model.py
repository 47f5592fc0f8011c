"""``grit.load``: the model that a name and overrides mean."""

from dataclasses import replace
from pathlib import Path

from grit.config.configuration import composed_config
from grit.core.errors import GritError
from grit.core.library_noise import quieten
from grit.inference.grounded_model import GroundedModel
from grit.inference.sources import source_of

_ASKED = ("image", "question", "input", "samples")  # settings of task=infer, not of a model


def load(checkpoint: str | Path | None = None, *overrides: str) -> GroundedModel:
    """A model to ask: the body of ``grit.load``, which see."""
    quieten()
    config = composed_config("task=infer", *overrides)
    if extra := [each for each in overrides if each.partition("=")[0] in _ASKED]:
        raise GritError(f"grit.load: {extra[0]} says nothing of a model: ask(image, question) does")
    if checkpoint is not None and config.checkpoint is not None:
        raise GritError(
            f"grit.load: {checkpoint} and checkpoint={config.checkpoint}: name one model"
        )
    if checkpoint is not None:
        config = replace(config, checkpoint=str(checkpoint))
    return GroundedModel(source_of(config, overrides))
