"""``checkpoint=`` of what is no checkpoint, empty, or another model's: one line, never the base."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from settings_of import lora

from grit.core.errors import GritError
from grit.models.loading import load_base, load_trained, save_trained
from grit.models.lora import add_lora


class Runs:
    """Code in a pickle, which leaves a mark."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("MARK",)


FILES: dict[str, Any] = {
    "a list": [1, 2],
    "nothing": None,
    "a tensor": torch.ones(3),
    "no state": {"epoch": 1},
    "a state that is a list": {"state_dict": [1]},
    "an empty state": {"state_dict": {}},
    "another's names": {"state_dict": {"other.weight": torch.ones(2)}},
    "numbered weights": {"state_dict": {3: torch.ones(2)}},
    "weights of nothing": {"state_dict": {"model.x": torch.ones(2)}},
    "another shape": {"state_dict": {"model.lm_head.weight": torch.ones(2, 2)}},
    "a weight that is none": {"state_dict": {"model.lm_head.weight": 3}},
    "code": {"state_dict": Runs()},
}
NO_WEIGHTS = b"\x08\0\0\0\0\0\0\0{}      "
QWEN = b'{"model_type": "qwen2_5_vl"%s}'
LORA = b'{"peft_type": "LORA", "target_modules": ["%s"], "r": 2}'
FOLDERS: dict[str, dict[str, bytes]] = {
    "an empty one": {},
    "an empty adapter": {"adapter_config.json": b""},
    "an adapter of a list": {"adapter_config.json": b"[]"},
    "an adapter of nothing": {"adapter_config.json": b"{}"},
    "an adapter of no kind": {"adapter_config.json": b'{"peft_type": "NOPE"}'},
    "an adapter without weights": {"adapter_config.json": LORA % b"q_proj"},
    "an adapter cut off": {
        "adapter_config.json": LORA % b"q_proj",
        "adapter_model.safetensors": b"",
    },
    "an adapter of no weight": {
        "adapter_config.json": LORA % b"q_proj",
        "adapter_model.safetensors": NO_WEIGHTS,
    },
    "an adapter of other modules": {
        "adapter_config.json": LORA % b"nothing",
        "adapter_model.safetensors": NO_WEIGHTS,
    },
    "an empty configuration": {"config.json": b""},
    "a configuration of a list": {"config.json": b"[1]"},
    "no family": {"config.json": b"{}"},
    "a family of a list": {"config.json": b'{"model_type": ["x"]}'},
    "no weights": {"config.json": QWEN % b""},
    "weights cut off": {"config.json": QWEN % b"", "model.safetensors": b""},
    "a text model of a number": {
        "config.json": QWEN % b', "text_config": 7',
        "model.safetensors": NO_WEIGHTS,
    },
    "negative layers": {
        "config.json": QWEN % b', "text_config": {"num_hidden_layers": -1, "hidden_size": 0}',
        "model.safetensors": NO_WEIGHTS,
    },
    "an index that leads away": {
        "config.json": QWEN % b"",
        "model.safetensors.index.json": b'{"weight_map": {"a": "../../etc/passwd"}}',
    },
}


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def written(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def touched(path: Path) -> Path:
    path.touch()
    return path


def pickled(path: Path) -> Path:
    path.write_bytes(pickle.dumps({"state_dict": Runs()}))
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "nothing there": lambda tmp: tmp / "step-1.ckpt",
    "an empty file": lambda tmp: touched(tmp / "step-1.ckpt"),
    "a pickle": lambda tmp: pickled(tmp / "step-1.ckpt"),
}
MAKERS |= {
    f"a file of {name}": lambda tmp, content=content: saved(tmp / "step-1.ckpt", content)
    for name, content in FILES.items()
}
MAKERS |= {
    f"a folder: {name}": lambda tmp, files=files: written(tmp / "model", files)
    for name, files in FOLDERS.items()
}


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_checkpoint_is_one_line(tmp_path, monkeypatch, make) -> None:
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path)
    with pytest.raises(GritError) as raised:
        load_trained(load_base("tiny:qwen", seed=0), path)
    line = str(raised.value)
    assert str(path) in line
    assert "\n" not in line
    assert len(line) < 400 + len(str(path))
    assert not (tmp_path / "MARK").exists()


def test_a_part_of_an_adapter_is_no_adapter(tmp_path) -> None:
    adapter = load_base("tiny:qwen", seed=0)
    add_lora(adapter, lora(2, 4, ["q_proj"]), with_vision=False)
    trained = {f"model.{k}": v for k, v in adapter.model.state_dict().items() if ".lora_" in k}
    load_trained(adapter, saved(tmp_path / "whole.ckpt", {"state_dict": trained}))
    lost = sorted(trained)[0]
    del trained[lost]
    with pytest.raises(GritError, match="it lacks trained weights") as raised:
        load_trained(adapter, saved(tmp_path / "part.ckpt", {"state_dict": trained}))
    assert lost.removeprefix("model.") in str(raised.value)


def test_an_adapter_of_another_family_is_refused_though_its_weights_would_fit(tmp_path) -> None:
    trained = load_base("tiny:qwen", seed=0)
    add_lora(trained, lora(2, 4, ["q_proj"]), with_vision=False)
    save_trained(trained, tmp_path / "model")
    load_trained(load_base("tiny:qwen", seed=0), tmp_path / "model")
    with pytest.raises(
        GritError, match=r"is of the family qwen2_5_vl, and model\.path of qwen3_vl"
    ):
        load_trained(load_base("tiny:qwen3", seed=0), tmp_path / "model")
    settings = tmp_path / "model" / "adapter_config.json"
    for unsaid in (None, {}, {"base_model_class": "Mine"}, {"base_model_class": ["x"]}):
        fields = json.loads(settings.read_text()) | {"auto_mapping": unsaid}
        settings.write_text(json.dumps(fields))
        load_trained(load_base("tiny:qwen", seed=0), tmp_path / "model")
