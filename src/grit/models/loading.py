"""From a name or a folder to an adapter: download, load, freeze, put LoRA in."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import torch
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, ProcessorMixin

from grit.errors import GritError
from grit.files import UNREADABLE, archive_is_whole, put_in_place
from grit.models.adapter import Adapter
from grit.models.block_attention import FLEX, use_attention
from grit.models.internvl import InternVLAdapter
from grit.models.qwen import QwenAdapter
from grit.models.tiny import load_tiny

ADAPTERS: dict[str, type[Adapter]] = {
    "qwen2_5_vl": QwenAdapter,
    "internvl": InternVLAdapter,
}
TINY = "tiny:"
HUB_PATIENCE = 10.0  # seconds that the Hub has to answer at all
EDGES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
WEIGHTS_AND_CONFIG = ["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"]


@dataclass(frozen=True)
class Lora:
    """LoRA's settings, as peft names them."""

    rank: int
    alpha: int
    dropout: float
    target_modules: Sequence[str]


def load_base(
    path: str,
    *,
    seed: int = 0,
    revision: str | None = None,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    image: Mapping[str, int] | None = None,
) -> Adapter:
    """Load a base model.

    Args:
        path: ``tiny:qwen``, ``tiny:internvl``, a folder in transformers format, or a Hub id.
        seed: of the weights of a tiny model that ships none.
        revision: of the Hub.
        dtype: of the weights.
        attention: transformers' ``attn_implementation``; flex_attention: see ``block_attention``.
        image: settings of the image processor that replace the stored ones; not of tiny models.

    Raises:
        GritError: there is no such model, it cannot be reached, or its family has no adapter.
    """
    if path.startswith(TINY):
        model, processor = load_tiny(path.removeprefix(TINY), seed)
        model = model.to(dtype)
        use_attention(model, attention)
        return ADAPTERS[model.config.model_type](model, processor)
    folder = model_folder(path, revision)
    family = _family(folder)
    try:
        processor = _processor(folder, image or {})
        model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=dtype, attn_implementation="sdpa" if attention == FLEX else attention
        )
        use_attention(model, attention)
    except (OSError, ValueError, SafetensorError) as error:
        raise GritError(f"model: {folder} cannot be loaded: {error}") from error
    return ADAPTERS[family](model, processor)


def _processor(folder: Path, image: Mapping[str, int]) -> ProcessorMixin:
    """The stored processor with other image settings.

    Qwen's pixel bounds have become the edges of a size, which is set afterwards: those that the
    Hub's folders have under their old names would win over it.
    """
    settings = {name: value for name, value in image.items() if name not in EDGES}
    edges = {EDGES[name]: value for name, value in image.items() if name in EDGES}
    processor = AutoProcessor.from_pretrained(folder, **settings)
    if edges:
        images = processor.image_processor
        images.size = replace(images.size, **edges)
    return processor


def model_folder(path: str, revision: str | None = None) -> Path:
    """The local folder of a model, downloaded from the Hub where ``path`` is not a folder."""
    if Path(path).is_dir():
        return Path(path)
    if path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise GritError(f"model.path={path}: there is no such folder")
    try:
        HfApi().model_info(path, revision=revision, timeout=HUB_PATIENCE)
    except (OSError, HfHubHTTPError, HFValidationError, httpx2.HTTPError) as error:
        return _cached_folder(path, revision, error)
    try:
        return Path(snapshot_download(path, revision=revision, allow_patterns=WEIGHTS_AND_CONFIG))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError) as error:
        raise _unreachable(path, error) from error


def _cached_folder(path: str, revision: str | None, error: Exception) -> Path:
    """The folder of an earlier download, where the Hub cannot be reached now."""
    try:
        return Path(
            snapshot_download(
                path,
                revision=revision,
                allow_patterns=WEIGHTS_AND_CONFIG,
                local_files_only=True,
            )
        )
    except (OSError, LocalEntryNotFoundError, HFValidationError):
        raise _unreachable(path, error) from error


def _unreachable(path: str, error: Exception) -> GritError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return GritError(
        f"model.path={path}: not in the local cache and the Hub cannot give it ({reason}); "
        f"check the network, HF_ENDPOINT and HF_TOKEN, or download it elsewhere with "
        f"'hf download {path}' and set model.path to the folder"
    )


def freeze_vision(adapter: Adapter) -> None:
    """Take the vision tower and its projector out of training."""
    for module in adapter.vision_modules:
        module.requires_grad_(False)


def add_lora(adapter: Adapter, lora: Lora, *, with_vision: bool) -> None:
    """Put fp32 LoRA adapters into the language model (and the vision tower); the base is frozen."""
    vision = {id(module) for module in adapter.vision_modules}
    names = [name for name, module in adapter.plain.named_modules() if id(module) in vision]
    outside = None if with_vision else rf"({'|'.join(map(re.escape, names))})\..*"
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.target_modules),
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
        checkpoint: a PEFT adapter folder, a model folder in transformers format, a Lightning
            ``.ckpt`` file of this suite, or a run's folder with one of them in it.

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
        weights = {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
        _load_partial(adapter.model, weights)
    except (*UNREADABLE, OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise GritError(f"checkpoint={source} does not fit this model: {reason}") from error


def save_trained(
    adapter: Adapter, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write what was trained: PEFT's adapter folder, or the whole model in transformers format.

    The folder appears whole or not at all. ``weights`` are the model's ``state_dict`` where the
    model has only parts of them.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    adapter.model.save_pretrained(partial, state_dict=weights)
    adapter.processor.save_pretrained(partial)
    put_in_place(partial, folder)


def find_weights(checkpoint: Path) -> Path:
    """The ``.ckpt`` file or the model folder that ``checkpoint`` means, see ``load_trained``."""
    if checkpoint.is_file():
        return checkpoint
    for folder in (checkpoint, checkpoint / "model"):
        if any((folder / name).is_file() for name in ("adapter_config.json", "config.json")):
            return folder
    files = [*checkpoint.glob("*.ckpt"), *checkpoint.glob("checkpoints/*.ckpt")]
    if files:
        return max(files)  # names count the steps
    raise GritError(
        f"checkpoint={checkpoint}: expected a .ckpt file, a folder with adapter_config.json "
        "or config.json, or the folder of a run that has trained"
    )


def _load_folder(adapter: Adapter, folder: Path) -> None:
    if (folder / "adapter_config.json").is_file():
        adapter.model = PeftModel.from_pretrained(adapter.model, str(folder))
        return
    trained = AutoModelForImageTextToText.from_pretrained(folder, dtype="auto")
    adapter.model.load_state_dict(trained.state_dict())


def _load_partial(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load the weights that are given; a name that the model does not have is an error."""
    unknown = model.load_state_dict(weights, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"it has weights the model has not, for example {unknown[0]}")


def _family(folder: Path) -> str:
    try:
        family = AutoConfig.from_pretrained(folder).model_type
    except (OSError, ValueError) as error:
        raise GritError(f"model.path={folder}: no config of transformers: {error}") from error
    if family not in ADAPTERS:
        raise GritError(
            f"model.path={folder}: its family is {family}; there are adapters for "
            f"{', '.join(ADAPTERS)} (add one in src/grit/models)"
        )
    return family
