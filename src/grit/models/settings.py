"""The settings of the base model."""

from typing import Literal

from grit.core.settings import PathText, Text, setting, settings

PromptForm = Literal["processor", "released"]


@settings
class LoraSettings:
    """LoRA adapters (peft)."""

    rank: int = setting("rank of the adapters", 64, ge=1)
    alpha: int = setting("an adapter's output is scaled by alpha / rank", 128)
    dropout: float = setting("of the adapters' input, in training", 0.0, ge=0, le=1)
    target_modules: list[Text] = setting("names of the layers that get an adapter", list)


@settings
class ModelSettings:
    """The base model and which of its weights are trained."""

    name: Text = setting("its name in results and folders")
    path: PathText = setting(
        "a Hub id, a local folder in transformers format or in InternVL's own layout, or "
        "tiny:FAMILY"
    )
    revision: Text | None = setting("branch, tag or commit on the Hub", None)
    adaptation: Literal["full", "lora"] = setting(
        "trained weights: all, as fp32 master weights, or fp32 LoRA adapters on a frozen base",
        "lora",
    )
    lora: LoraSettings = LoraSettings()
    freeze_vision: bool = setting("the vision tower is not trained", False)
    prompt: PromptForm = setting(
        "the text around the user's turn: by the processor's chat template, or as in GRIT's "
        "released code (differs for InternVL only, see models/internvl.py)",
        "processor",
    )
    dtype: Literal["float32", "bfloat16"] = setting("of the base weights", "bfloat16")
    attention: Literal["sdpa", "eager", "flash_attention_2"] = setting(
        "the implementation; with sdpa, completions that share a prompt skip each other", "sdpa"
    )
    gradient_checkpointing: bool | Literal["auto"] = setting(
        "a layer's activations are computed a second time instead of kept; auto: in as many layers "
        "as a step needs to fit into 0.7 of the device's memory, by the estimate of task=check",
        False,
        changes_results=False,
    )
    image: dict[Text, int] = setting(
        "settings of the image processor (min_pixels, max_pixels, min_patches, max_patches); "
        "not for tiny:FAMILY",
        dict,
    )
    seed: int = setting("of random weights, for models without pre-trained ones", 0)
