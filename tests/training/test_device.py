"""The device of a run, on machines that are not this one."""

import pytest
import torch

from grit.core.errors import GritError
from grit.training.device import prepare_device
from grit.training.settings import TrainerSettings


def test_more_processes_than_gpus_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    for name, value in {"WORLD_SIZE": "8", "RANK": "4", "LOCAL_RANK": "4"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(GritError, match=r"trainer\.devices=8: this machine shows 4 GPUs"):
        prepare_device(TrainerSettings(max_steps=1, devices=8, strategy="ddp"), None)


def test_several_processes_without_a_layout_are_told_of_layouts(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(GritError, match=r"8 processes run, .* add trainer=ddp"):
        prepare_device(TrainerSettings(max_steps=1), None)
