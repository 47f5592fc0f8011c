"""GRIT: teaching vision-language models to think with images (arXiv 2505.15879)."""

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
    from grit.inference import named_model  # imports torch, which takes seconds

    return named_model.load(checkpoint, *overrides)
