"""Exporting a run's model: a folder that stock transformers loads, with a model card.

A whole model is written in transformers' own format. A LoRA adapter stays one where transformers
finds its base on the Hub; else it is added to its base in fp32, and the sum is rounded once. The
generation settings are those by which the suite asks: greedy, without penalties, and no placeholder
tokens.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import GenerationConfig

from grit.core.disk import needing
from grit.core.errors import GritError
from grit.core.files import put_in_place, write_json, write_text
from grit.inference.exported_card import Card, model_card
from grit.inference.settings import ExportSettings
from grit.inference.sources import Source
from grit.models.adapter import SLOT, Adapter
from grit.models.folders import ADAPTER, settings_in
from grit.models.full_model import GENERATION
from grit.models.hub import model_folder
from grit.models.internvl_layout import MODEL_TYPE
from grit.models.lora import has_tied_lora, lora_in_vision
from grit.models.names import TINY, is_hub_id
from grit.models.setup import make_adapter
from grit.models.templates import by_template
from grit.rollout.vllm_command import lora_left_out

README = "README.md"


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    is_adapter: bool
    note: str = ""  # why an adapter was merged, in words


def export(source: Source, settings: ExportSettings, folder: Path) -> Exported:
    """Write the model of ``source`` into ``folder``, whole or not at all.

    Raises:
        GritError: the folder has other files, or the model cannot be loaded.
    """
    _check_place(folder)
    if source.checkpoint is None:
        why = "has trained nothing that could be exported"
        if source.run is None:
            why = "is a whole model without its run: say by model= what it was trained from"
        raise GritError(f"checkpoint: {source.name} {why}")
    base = base_name(source, settings)
    checkpoint, model = source.checkpoint, source.config.model
    trained_adapter = not checkpoint.is_full_model and model.adaptation == "lora"
    note = _why_merged(source, base) if trained_adapter else ""
    keeps_adapter = trained_adapter and settings.weights == "trained" and not note
    if trained_adapter and not keeps_adapter:
        model = replace(model, dtype="float32")  # the sum is rounded once
    adapter = make_adapter(model, learning=False, checkpoint=checkpoint)
    if not keeps_adapter:
        _merge(adapter, settings.dtype or source.config.model.dtype)
    shown = adapter.encode("card", "", Image.new("RGB", (64, 64)), picture="card")
    card = replace(
        Card.of(source, settings, base, is_adapter=keeps_adapter, space=shown.space.name),
        not_by_vllm=lora_left_out(adapter),
        lora_in_vision=lora_in_vision(adapter),
        prompt=_own_prompt(adapter),
    )
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    size = sum(weight.nbytes for weight in adapter.model.state_dict().values())
    try:
        with needing("the exported model", size):
            adapter.model.save_pretrained(partial)
            adapter.processor.save_pretrained(partial)
            if keeps_adapter:
                _name_base(partial, base, source.config.model.revision)
            asking(adapter, source.config.evaluation.max_new_tokens).to_json_file(
                partial / GENERATION
            )
            write_text(partial / README, model_card(card))
            for file in partial.iterdir():
                file.chmod(0o644)  # safetensors writes files that only their owner can read
            if folder.is_dir():
                folder.rmdir()  # is empty
            put_in_place(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Exported(folder, keeps_adapter, note if settings.weights == "trained" else "")


def base_name(source: Source, settings: ExportSettings) -> str | None:
    """The base's Hub id; None if it is not known to be on the Hub."""
    path = source.config.model.path
    if settings.base is not None:
        return settings.base
    return path if is_hub_id(path) and not Path(path).exists() else None


def asking(adapter: Adapter, max_new_tokens: int) -> GenerationConfig:
    """The generation settings of an exported model: ``generate`` writes what the suite's does."""
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted(adapter.end_ids),
        pad_token_id=adapter.pad_id,
        suppress_tokens=adapter.forbidden_ids.tolist() or None,
    )


def _own_prompt(adapter: Adapter) -> tuple[str, str] | None:
    """What stands before and after the user's text; None if the chat template says the same."""
    rendered = adapter.rendered(SLOT)
    if rendered == by_template(adapter.processor, SLOT):
        return None
    before, _, after = rendered.partition(SLOT)
    return before, after


def _check_place(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise GritError(f"output={folder}: expected a folder, or nothing there yet")
    if folder.is_dir() and any(folder.iterdir()):
        raise GritError(f"output={folder}: the folder has files: name one that is empty or new")


def _why_merged(source: Source, base: str | None) -> str:
    """Why an adapter cannot stay one; empty if it can."""
    path = source.config.model.path
    if path.startswith(TINY):
        return f"{path} is no model of the Hub"
    if base is None:
        return f"{Path(path).name} is a folder here: export.base=ORG/NAME says what it is a copy of"
    folder = model_folder(path, source.config.model.revision, weights=False)
    if settings_in(folder).get("model_type") == MODEL_TYPE:
        return f"{base} is in InternVL's own layout, which transformers cannot load"
    return ""


def _name_base(folder: Path, base: str | None, revision: str | None) -> None:
    """Let an adapter's settings name the base by its Hub id, not by a place of this machine."""
    fields = settings_in(folder, ADAPTER)
    named = {"base_model_name_or_path": base, "revision": revision}
    write_json(folder / ADAPTER, fields | named)


def _merge(adapter: Adapter, dtype: str) -> None:
    model: Any = adapter.model
    if has_tied_lora(adapter):
        raise GritError(
            "export: LoRA on lm_head, whose weight is that of the embeddings, cannot be merged: "
            "export.weights=trained leaves it an adapter"
        )
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    adapter.model = model.to(getattr(torch, dtype))
