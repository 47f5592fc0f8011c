"""The folder of a run that has trained, made without training: its weights are shaken a little."""

from pathlib import Path
from typing import Any

import torch
import yaml

from grit.config.configuration import composed_config
from grit.config.identity import config_hash, plain
from grit.core.files import write_json
from grit.models.adapter import Adapter
from grit.models.loading import save_trained
from grit.models.setup import make_adapter

LORA = ("model.adaptation=lora", "model.lora.target_modules=[q_proj,v_proj]", "model.lora.rank=4")


def write_trained_run(folder: Path, *overrides: str, shake: float = 0.02) -> Adapter:
    """Write ``config.yaml``, ``run.json`` and ``model/``; returns the model that was saved."""
    short = "evaluation.max_new_tokens=24"
    config = composed_config(short, "trainer.accelerator=cpu", *overrides)
    adapter = make_adapter(config.model, learning=True)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in adapter.model.parameters():
            if weight.requires_grad:
                weight += shake * torch.randn(weight.shape, generator=random)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(plain(config), sort_keys=False))
    record: dict[str, Any] = {
        "config_hash": config_hash(config),
        "command": "python -m grit " + " ".join(overrides),
        "git": "8de5",
        "started": "2026-11-29T10:00:00+00:00",
        "finished": "2026-11-29T10:03:00+00:00",
        "annotation": "answers",
        "versions": {"python": "3.11", "torch": torch.__version__},
    }
    write_json(folder / "run.json", record)
    save_trained(adapter, folder / "model")
    adapter.model.eval()
    return adapter
