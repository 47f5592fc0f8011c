"""The settings of figures 4 and 5."""

from grit.core.settings import Text, setting, settings


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
