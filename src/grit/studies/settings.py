"""The settings of figures 4 and 5, and of faithfulness."""

from typing import Literal

from grit.core.settings import Text, setting, settings

Mask = Literal["grey", "blur"]


@settings
class CorrelationSettings:
    """Figure 4: whether a judge can tell a chain's boxes from random ones."""

    chains: int = setting("at most so many of each test set, drawn at random", 100, ge=1)
    repeats: int = setting("each with new random boxes", 3, ge=1)


@settings
class AttentionSettings:
    """Figure 5: attention on the image after <rethink>."""

    set: Text = setting("the test set", "gqa")
    samples: int = setting("at most so many of its chains, drawn at random", 100, ge=1)
    tokens: int = setting("generated after <rethink>", 50, ge=1)


@settings
class FaithfulnessSettings:
    """Whether answers fall when what the chain points at is taken away from the picture."""

    questions: int = setting("at most so many of each test set, drawn at random", 50, ge=1)
    draws: int = setting("of the control, averaged for each question", 3, ge=1)
    mask: Mask = setting(
        "what photographs show in the place of what is taken away: their mean colour, or "
        "themselves blurred; drawn scenes are drawn without it",
        "grey",
    )
