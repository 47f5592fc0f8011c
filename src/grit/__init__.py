"""GRIT: teaching vision-language models to think with images (arXiv 2505.15879)."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grit.inference.grounded_model import GroundedModel

__version__ = "0.1.0"


def load(checkpoint: str | Path | None = None, *overrides: str) -> "GroundedModel":
    """Load a model to ask questions about images.

    For example ``grit.load("runs/...").ask("photo.jpg", "How many cups are there?").answer``.

    Args:
        checkpoint: a run's folder, a model folder, a PEFT adapter or a Hub id (``ORG/NAME``, or
            ``ORG/NAME@REVISION``). None: the base model, by default ``tiny_qwen``.
        overrides: of the configuration, as on the command line: ``"model=tiny_internvl"``.

    Returns:
        The model: ``ask`` gives the greedy answer, ``sample`` several, ``stream`` one as it is
        written.

    Raises:
        GritError: there is no such run or model, or an override is wrong.
    """
    # They import torch, which takes seconds.
    from grit.config.configuration import composed_config
    from grit.core.errors import GritError
    from grit.core.library_noise import quieten
    from grit.inference.grounded_model import GroundedModel
    from grit.inference.sources import source_of

    quieten()
    config = composed_config("task=infer", *overrides)
    asked = ("image", "question", "input", "samples")  # settings of task=infer, not of a model
    if extra := [each for each in overrides if each.partition("=")[0] in asked]:
        raise GritError(f"grit.load: {extra[0]} says nothing of a model: ask(image, question) does")
    if checkpoint is not None and config.checkpoint is not None:
        raise GritError(
            f"grit.load: {checkpoint} and checkpoint={config.checkpoint}: name one model"
        )
    if checkpoint is not None:
        config = replace(config, checkpoint=str(checkpoint))
    return GroundedModel(source_of(config, overrides))
