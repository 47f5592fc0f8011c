"""From a name or a folder to an adapter: load, freeze, put LoRA and trained weights in."""

import re
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import nn

from grit.core.disk import needing
from grit.core.errors import GritError
from grit.core.files import UNREADABLE, archive_is_whole, put_in_place
from grit.models.adapter import Adapter
from grit.models.block_attention import FLEX, use_attention
from grit.models.folders import OWN_CODE, needs_code, settings_in, short
from grit.models.hub import commit_of, model_folder
from grit.models.internvl import InternVLAdapter
from grit.models.names import TINY, is_hub_id
from grit.models.processors import load_processor
from grit.models.qwen import QwenAdapter
from grit.models.settings import LoraSettings
from grit.models.tiny import load_tiny
from grit.models.whole import check_tokens, ends_of, family_of, load_whole

ADAPTERS: dict[str, type[Adapter]] = {
    "qwen2_5_vl": QwenAdapter,
    "internvl": InternVLAdapter,
}
ADAPTER = "adapter_config.json"  # in the folder of a PEFT adapter


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
    """Load a base model, or a model that was trained from it.

    Args:
        path: ``tiny:qwen``, ``tiny:internvl``, a folder in transformers format or in InternVL's
            own layout, or a Hub id.
        seed: of the weights of a tiny model that ships none.
        revision: of the Hub.
        dtype: of the weights.
        attention: transformers' ``attn_implementation``; flex_attention: see ``block_attention``.
        image: settings of the image processor that replace the stored ones; not of tiny models.
        trained: the folder of a whole model that was trained from this one. Configuration and
            weights are taken from it, so that the base's weights are not even downloaded;
            tokenizer, processor and what ends a completion are the base's, which is all that some
            trainers leave them to.

    Raises:
        GritError: there is no such model, it cannot be reached, its family has no adapter, or the
            trained weights do not fit.
    """
    if path.startswith(TINY):
        model, processor = load_tiny(path.removeprefix(TINY), seed)
        model = model.to(dtype)
        use_attention(model, attention)
        adapter = ADAPTERS[model.config.model_type](model, processor)
        if trained is not None:
            load_trained(adapter, trained)
        return adapter
    folder = model_folder(path, revision, weights=trained is None)
    family = known_family(folder)
    source = folder
    if trained is not None:
        _check_family(family_of(trained), family, trained)
        source = trained
    processor = load_processor(folder, image or {})
    model = load_whole(
        source,
        image_token_id=processor.image_token_id,
        dtype=dtype,
        attention="sdpa" if attention == FLEX else attention,
    )
    if trained is not None:
        check_tokens(model, processor, trained, folder)
        model.generation_config = ends_of(folder) or model.generation_config
    use_attention(model, attention)
    return ADAPTERS[family](model, processor)


def known_family(folder: Path) -> str:
    """The family of a base model, one of ``ADAPTERS``.

    Raises:
        GritError: there is no model in the folder, or no adapter of its family.
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


def _check_family(found: str, wanted: str, checkpoint: Path) -> None:
    if found != wanted:
        raise GritError(
            f"checkpoint={checkpoint} is of the family {found}, and model.path of {wanted}: choose "
            "the model= that it was trained from"
        )


def freeze_vision(adapter: Adapter) -> None:
    """Take the vision tower and its projector out of training."""
    for module in adapter.vision_modules:
        module.requires_grad_(False)


def add_lora(adapter: Adapter, lora: LoraSettings, *, with_vision: bool) -> None:
    """Put fp32 LoRA adapters into the language model (and the vision tower); the base is frozen."""
    vision = {id(module) for module in adapter.vision_modules}
    names = [name for name, module in adapter.plain.named_modules() if id(module) in vision]
    outside = None if with_vision else rf"({'|'.join(map(re.escape, names))})\..*"
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        exclude_modules=outside,
    )
    try:
        adapter.model = get_peft_model(adapter.model, settings)
    except ValueError as error:
        raise GritError(f"model.lora.target_modules: {error}") from error


def load_trained(adapter: Adapter, checkpoint: Path) -> None:
    """Put trained weights into a base model.

    Args:
        adapter: the base model.
        checkpoint: a PEFT adapter folder, a model folder in transformers format or in InternVL's
            own layout, a Lightning ``.ckpt`` file of this suite, or a run's folder with one of them
            in it.

    A ``.ckpt`` file of a run with LoRA needs a model that LoRA was added to.

    Raises:
        GritError: there is nothing of the kind, or it does not fit the model.
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
    """Write what was trained: PEFT's adapter folder, or the whole model in transformers format.

    The folder appears whole or not at all. ``weights`` are the model's ``state_dict`` where the
    model has only parts of them.
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
    """Trained weights that were asked for, and where they are."""

    name: str  # as it was asked for: a path, or a Hub id
    path: Path  # a ``.ckpt`` file, or the folder of a PEFT adapter or of a model
    commit: str | None = None  # of the Hub, where they come from there

    @property
    def is_whole(self) -> bool:
        """Whether it is a model by itself, which needs no other's weights."""
        return self.path.is_dir() and not (self.path / ADAPTER).is_file()


def find_checkpoint(name: str) -> Checkpoint:
    """The weights that ``checkpoint=`` means: what is here by that name, or a model of the Hub.

    Args:
        name: what ``load_trained`` takes, or a Hub id, which may end in ``@REVISION``.

    Raises:
        GritError: there is nothing of the kind here, nor on the Hub.
    """
    if Path(name).exists() or not is_hub_id(name):
        path = find_weights(Path(name))
    else:
        id_, _, revision = name.partition("@")
        path = find_weights(model_folder(id_, revision or None, setting="checkpoint"))
    return Checkpoint(name, path, commit_of(path))


def find_weights(checkpoint: Path) -> Path:
    """The ``.ckpt`` file or the model folder that ``checkpoint`` means, see ``load_trained``."""
    if checkpoint.is_file():
        return checkpoint
    for folder in (checkpoint, checkpoint / "model"):
        if any((folder / name).is_file() for name in (ADAPTER, "config.json")):
            return folder
    files = [*checkpoint.glob("*.ckpt"), *checkpoint.glob("checkpoints/*.ckpt")]
    if files:
        return max(files)  # names count the steps
    raise GritError(
        f"checkpoint={checkpoint}: expected a .ckpt file, a folder with adapter_config.json or "
        "config.json, the folder of a run that has trained, or a model of the Hub"
    )


def _load_folder(adapter: Adapter, folder: Path) -> None:
    if (folder / ADAPTER).is_file():
        with warnings.catch_warnings():
            # Else weights that no name fits would leave the base as it is, with a word at most.
            warnings.filterwarnings("error", "Found missing adapter keys")
            adapter.model = PeftModel.from_pretrained(
                adapter.model, str(folder), trust_remote_code=False
            )
        return
    _check_family(family_of(folder), adapter.plain.config.model_type, folder)
    trained = load_whole(folder, image_token_id=adapter.image_id)
    adapter.model.load_state_dict(trained.state_dict())


def _weights_of(state: object) -> dict[str, torch.Tensor]:
    """The model's weights in what a Lightning module has stored; none would leave the base as is.

    Raises:
        ValueError: there is none.
    """
    named = state if isinstance(state, dict) else {}
    weights = {
        str(name).removeprefix("model."): weight
        for name, weight in named.items()
        if str(name).startswith("model.")
    }
    if not weights:
        raise ValueError("it has no weights of a model")
    return weights


def _load_partial(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load the weights that are given; a name that the model does not have is an error."""
    missing, unknown = model.load_state_dict(weights, strict=False)
    if unknown:
        raise ValueError(f"it has weights the model has not, for example {unknown[0]}")
    trained = [name for name in missing if ".lora_" in name]  # whatever else: the base has it
    if trained:
        raise ValueError(f"it lacks trained weights, for example {trained[0]}")
