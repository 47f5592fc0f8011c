"""Loading models, adding LoRA, and loading and saving trained weights."""

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError
from torch import nn

from grit.core.disk import needing
from grit.core.errors import GritError
from grit.core.files import UNREADABLE, archive_is_whole, put_in_place
from grit.core.folder_fingerprint import folder_fingerprint
from grit.models.adapter import Adapter
from grit.models.folders import ADAPTER, OWN_CODE, needs_code, settings_in, short
from grit.models.full_model import (
    check_tokens,
    family_of,
    family_of_lora,
    load_full_model,
    stored_generation_config,
)
from grit.models.glm4v import Glm4vAdapter
from grit.models.hub import commit_of, model_folder
from grit.models.internvl import InternVLAdapter
from grit.models.names import TINY, is_hub_id
from grit.models.processors import check_image_settings, load_processor
from grit.models.qwen import QwenAdapter
from grit.models.qwen3 import Qwen3Adapter
from grit.models.tiny import load_tiny

ADAPTERS: dict[str, type[Adapter]] = {
    "qwen2_5_vl": QwenAdapter,
    "qwen3_vl": Qwen3Adapter,
    "internvl": InternVLAdapter,
    "glm4v": Glm4vAdapter,
}


def load_base(
    path: str,
    *,
    seed: int = 0,
    revision: str | None = None,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    image: Mapping[str, int] | None = None,
    trained: Path | None = None,
) -> Adapter:
    """Load a base model, or a full model that was trained from it.

    Args:
        path: ``tiny:FAMILY``, a folder in transformers format or in InternVL's
            own layout, or a Hub id.
        seed: of the weights of a tiny model without shipped ones.
        revision: branch, tag or commit on the Hub.
        dtype: of the weights.
        attention: transformers' ``attn_implementation``.
        image: overrides of the image processor's settings; not for tiny models.
        trained: folder of a full model that was trained from this one. Configuration and weights
            are loaded from it, and the base's weights are not downloaded; tokenizer, processor and
            end tokens are the base's, since some trainers do not save them.

    Raises:
        GritError: there is no such model, it cannot be downloaded, its family has no adapter, or
            the trained weights do not fit.
    """
    if path.startswith(TINY):
        check_image_settings(path, image or {}, ())
        return _load_tiny_base(path.removeprefix(TINY), seed, dtype, attention, trained)
    folder = model_folder(path, revision, weights=trained is None)
    family = known_family(folder)
    check_image_settings(family, image or {}, ADAPTERS[family].image_settings)
    source = folder
    if trained is not None:
        _check_family(family_of(trained), family, trained)
        source = trained
    processor = load_processor(folder, image or {})
    model = load_full_model(
        source, image_token_id=processor.image_token_id, dtype=dtype, attention=attention
    )
    if trained is not None:
        check_tokens(model, processor, trained, folder)
    # For a trained model the base's; and from_pretrained reads no file for InternVL's own layout.
    model.generation_config = stored_generation_config(folder) or model.generation_config
    return ADAPTERS[family](model, processor)


def _load_tiny_base(
    name: str, seed: int, dtype: torch.dtype, attention: str, trained: Path | None
) -> Adapter:
    model, processor = load_tiny(name, seed)
    for parameter in model.parameters():  # not the frequencies of RoPE, as in from_pretrained
        parameter.data = parameter.data.to(dtype)
    model.set_attn_implementation(attention)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    if trained is not None:
        load_trained(adapter, trained)
    return adapter


def known_family(folder: Path) -> str:
    """The family of a base model, a key of ``ADAPTERS``.

    Raises:
        GritError: there is no model in the folder, or no adapter for its family.
    """
    family = family_of(folder)
    if family in ADAPTERS:
        return family
    if OWN_CODE in settings_in(folder):
        raise needs_code(folder, f"a model of the family {family}")
    raise GritError(
        f"model.path={folder}: its family is {family}; there are adapters for "
        f"{', '.join(ADAPTERS)} (add one in src/grit/models)"
    )


def _check_family(family: str, expected: str, checkpoint: Path) -> None:
    if family != expected:
        raise GritError(
            f"checkpoint={checkpoint} is of the family {family}, and model.path of {expected}: "
            "choose the model= that it was trained from"
        )


def freeze_vision(adapter: Adapter) -> None:
    """Freeze the vision tower and its projector."""
    for module in adapter.vision_modules:
        module.requires_grad_(False)


def load_trained(adapter: Adapter, checkpoint: Path) -> None:
    """Load trained weights into a base model.

    Args:
        adapter: the base model; for the ``.ckpt`` file of a run with LoRA, after ``add_lora``.
        checkpoint: a PEFT adapter folder, a model folder in transformers format or in InternVL's
            own layout, a Lightning ``.ckpt`` file of this suite, or a run's folder that has one of
            them.

    Raises:
        GritError: there are no such weights, or they do not fit the model.
    """
    source = find_weights(checkpoint)
    try:
        if source.is_dir():
            _load_folder(adapter, source)
            return
        if not archive_is_whole(source):
            raise GritError(
                f"checkpoint={source} is no checkpoint, or damaged: expected a .ckpt file as "
                "training writes it; take an earlier one or the run's model folder"
            )
        state = torch.load(source, map_location="cpu", weights_only=True)["state_dict"]
        _load_partial(adapter.model, _weights_of(state))
    except (*UNREADABLE, OSError, SafetensorError, UserWarning) as error:
        raise GritError(f"checkpoint={source} does not fit this model: {short(error)}") from error


def save_trained(
    adapter: Adapter, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Save the trained PEFT adapter, or the full model in transformers format, to a folder.

    The folder is written atomically.

    Args:
        adapter: the model.
        folder: is replaced.
        weights: the full ``state_dict`` of a sharded model; None: that of the model.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    size = sum(weight.nbytes for weight in (weights or adapter.model.state_dict()).values())
    try:
        with needing("the trained model", size):
            adapter.model.save_pretrained(partial, state_dict=weights)
            adapter.processor.save_pretrained(partial)
            put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@dataclass(frozen=True)
class Checkpoint:
    """The trained weights that ``checkpoint=`` names."""

    name: str  # as given: a path, or a Hub id
    path: Path  # a ``.ckpt`` file, or the folder of a PEFT adapter or of a full model
    commit: str | None = None  # on the Hub; None for local weights
    files: str | None = None  # hash of local weights, as they were when they were found

    @property
    def is_full_model(self) -> bool:
        """Whether it is a full model, which does not need the base's weights."""
        return self.path.is_dir() and not (self.path / ADAPTER).is_file()


def find_checkpoint(name: str) -> Checkpoint:
    """Find the weights that ``checkpoint=`` names, locally or else on the Hub.

    Args:
        name: a path as for ``load_trained``, or a Hub id, optionally with ``@REVISION``.

    Raises:
        GritError: there are no such weights.
    """
    if Path(name).exists() or not is_hub_id(name):
        path = find_weights(Path(name))
    else:
        id_, _, revision = name.partition("@")
        path = find_weights(model_folder(id_, revision or None, setting="checkpoint"))
    commit = commit_of(path)
    return Checkpoint(name, path, commit, None if commit else folder_fingerprint(path))


def find_weights(checkpoint: Path) -> Path:
    """The ``.ckpt`` file or the model folder of a path as for ``load_trained``."""
    if checkpoint.is_file():
        return checkpoint
    for folder in (checkpoint, checkpoint / "model"):
        if any((folder / name).is_file() for name in (ADAPTER, "config.json")):
            return folder
    files = [*checkpoint.glob("*.ckpt"), *checkpoint.glob("checkpoints/*.ckpt")]
    if files:
        return max(files)  # the last one: names have the step
    raise GritError(
        f"checkpoint={checkpoint}: expected a .ckpt file, a folder with adapter_config.json or "
        "config.json, the folder of a run that has trained, or a model of the Hub"
    )


def _load_folder(adapter: Adapter, folder: Path) -> None:
    family = adapter.plain.config.model_type
    if (folder / ADAPTER).is_file():
        _check_family(family_of_lora(settings_in(folder, ADAPTER)) or family, family, folder)
        with warnings.catch_warnings():
            # Weights of which no name fits would leave the base unchanged, with a warning only.
            warnings.filterwarnings("error", "Found missing adapter keys")
            adapter.model = PeftModel.from_pretrained(
                adapter.model, str(folder), trust_remote_code=False
            )
        return
    _check_family(family_of(folder), family, folder)
    trained = load_full_model(folder, image_token_id=adapter.image_id)
    adapter.model.load_state_dict(trained.state_dict())


def _weights_of(state: object) -> dict[str, torch.Tensor]:
    """The model's weights in the ``state_dict`` of a Lightning module.

    Raises:
        ValueError: there are none.
    """
    entries = state if isinstance(state, dict) else {}
    weights = {
        str(name).removeprefix("model."): weight
        for name, weight in entries.items()
        if str(name).startswith("model.")
    }
    if not weights:
        raise ValueError("it has no weights of a model")
    return weights


def _load_partial(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load part of a model's weights; raises ValueError for unknown names and missing LoRA."""
    missing, unknown = model.load_state_dict(weights, strict=False)
    if unknown:
        raise ValueError(f"it has weights the model has not, for example {unknown[0]}")
    missing_lora = [name for name in missing if ".lora_" in name]  # all others are in the base
    if missing_lora:
        raise ValueError(f"it lacks trained weights, for example {missing_lora[0]}")
