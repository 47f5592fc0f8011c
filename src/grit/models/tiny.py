"""The tiny models: building them with random weights, and loading the shipped ones."""

from pathlib import Path
from typing import get_args

import torch
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    ProcessorMixin,
)

from grit.core.errors import GritError
from grit.models.tiny_families import FAMILIES
from grit.models.tiny_tokenizer import Family

ASSETS = Path(__file__).parent.parent / "assets"


def build_tiny(family: Family, seed: int) -> tuple[PreTrainedModel, ProcessorMixin]:
    """A model with random weights by ``seed``, and the shipped processor.

    The global random state is not changed.
    """
    processor = AutoProcessor.from_pretrained(shipped_folder(family), trust_remote_code=False)
    return random_model(family, processor.tokenizer, seed), processor


def shipped_folder(family: Family) -> Path:
    """The folder with the tokenizer, processor and weights of the tiny model of a family."""
    folder = ASSETS / f"tiny_{family}"
    if not (folder / "tokenizer.json").is_file():
        raise GritError(
            f"{folder}: expected the tiny model's tokenizer here; reinstall the package, "
            f"or make it again with python -m grit task=pretrain model=tiny_{family}"
        )
    return folder


def random_model(family: Family, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A model of about two million parameters in fp32 with random weights, in evaluation mode."""
    config = FAMILIES[family].tiny_config(tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForImageTextToText.from_config(
            config, trust_remote_code=False
        )
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.eval()


def tiny_family(name: str) -> Family:
    """The family of a tiny model by its name; raises GritError if there is no such model."""
    families: dict[str, Family] = {family: family for family in get_args(Family)}
    requested: Family | None = families.get(name.removesuffix("-random"))
    if requested is None:
        known = ", ".join(f"tiny:{family}, tiny:{family}-random" for family in families)
        raise GritError(f"model.path=tiny:{name}: there are {known}")
    return requested


def load_tiny(name: str, seed: int) -> tuple[PreTrainedModel, ProcessorMixin]:
    """The shipped model; random weights if none are shipped or ``name`` ends in ``-random``.

    Raises:
        GritError: there is no such model.
    """
    family = tiny_family(name)
    folder = shipped_folder(family)
    if name != family or not (folder / "model.safetensors").is_file():
        return build_tiny(family, seed)
    model = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=torch.float32, trust_remote_code=False
    )
    return model.eval(), AutoProcessor.from_pretrained(folder, trust_remote_code=False)
