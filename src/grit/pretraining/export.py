"""Exporting a pre-trained model: 16-bit weights, processor and a model card."""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, ProcessorMixin

from grit.core.files import put_in_place, write_text
from grit.pretraining.card import model_card
from grit.pretraining.quality import Figures

DTYPES = (torch.float16, torch.bfloat16)


def export_model(
    model: PreTrainedModel,
    processor: ProcessorMixin,
    settings: dict[str, Any],
    quality: dict[str, Figures],
    folder: Path,
) -> Path:
    """Write the model and its card to ``folder/model``, atomically; returns that folder."""
    rows = [json.loads(line) for line in (folder / "curve.jsonl").read_text("utf-8").splitlines()]
    target, partial = folder / "model", folder / "model.partial"
    shutil.rmtree(partial, ignore_errors=True)
    dtype = closest_dtype(model)
    # A copy: changing the dtype of the model itself would lose its precision.
    small = type(model)(model.config).to(dtype)
    small.load_state_dict(model.state_dict())
    small.generation_config = model.generation_config
    small.save_pretrained(partial)
    processor.save_pretrained(partial)
    card = model_card(settings, _seconds(rows), quality, dtype, model.num_parameters())
    write_text(partial / "MODEL_CARD.md", card)
    for file in partial.iterdir():
        file.chmod(0o644)  # safetensors writes files that only their owner can read
    put_in_place(partial, target)
    return target


def closest_dtype(model: PreTrainedModel) -> torch.dtype:
    """The 16-bit type with the smaller maximum over parameters of the relative rounding error."""

    def lost(dtype: torch.dtype) -> float:
        errors = [
            ((p.to(dtype).float() - p).norm() / p.norm().clamp(min=1e-12)).item()
            for p in model.parameters()
        ]
        return max(errors)

    return min(DTYPES, key=lost)


def _seconds(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Wall-clock seconds of each stage, summed over the processes that worked on it."""
    spent: dict[str, float] = defaultdict(float)
    last: dict[str, float] = {}
    for row in rows:
        if "seconds" in row:
            stage, seconds = row["stage"], row["seconds"]
            before = last.get(stage, 0.0)
            spent[stage] += seconds - before if seconds >= before else seconds
            last[stage] = seconds
    return dict(spent)
