"""The settings of exporting a model."""

from typing import Literal

from grit.core.settings import Text, setting, settings


@settings
class ExportSettings:
    """``task=export``: a run's model as a folder that other programs load, with a model card."""

    weights: Literal["trained", "merged"] = setting(
        "trained: a LoRA adapter stays one, where its base is on the Hub; merged: it is added to "
        "its base, in fp32",
        "trained",
    )
    dtype: Literal["float32", "bfloat16"] | None = setting(
        "of whole weights that are written; null: as they were trained, or as the base's", None
    )
    base: Text | None = setting(
        "the base's Hub id, where model.path is a folder with a copy of it", None
    )
    licence: Text | None = setting(
        "of the base, as the Hub writes it (apache-2.0); null: what the base's own card says", None
    )
    private: bool = setting("a repository that push= makes is private", True)
