"""``task=pretrain`` as the command line gives it; the course itself has tests of its own."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from grit.pretraining.course import OWN_SETTINGS, PretrainSettings
from grit.tasks import pretrain


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[PretrainSettings]:
    """The settings of the courses that would have run."""
    found: list[PretrainSettings] = []

    def course(settings: PretrainSettings, folder: Path) -> Path:
        found.append(settings)
        if settings.seed == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return folder / "model"

    monkeypatch.setattr(pretrain, "pretrain", course)
    return found


def test_a_family_has_its_own_settings_and_the_command_line_the_last_word(
    asked: list[PretrainSettings], command: Any
) -> None:
    assert command("task=pretrain", "model=tiny_internvl").code == 0
    assert asked == [PretrainSettings(family="internvl", **OWN_SETTINGS["internvl"])]
    changed = ("pretrain.pairs_steps=5", "pretrain.rate=0.1", "seed=3", "threads=1")
    assert command("task=pretrain", "model=tiny_internvl", *changed).code == 0
    own = {**OWN_SETTINGS["internvl"], "pairs_steps": 5, "rate": 0.1, "seed": 3, "threads": 1}
    assert asked[1] == PretrainSettings(family="internvl", **own)
    assert command("task=pretrain").code == 0
    assert asked[2] == PretrainSettings(family="qwen")


def test_only_tiny_models_can_be_made(asked: list[PretrainSettings], command: Any) -> None:
    ended = command("task=pretrain", "model=internvl3_2b")
    assert (ended.code, asked) == (1, [])
    assert "task=pretrain makes tiny models" in ended.err


def test_ctrl_c_says_how_to_go_on(asked: list[PretrainSettings], command: Any) -> None:
    ended = command("task=pretrain", "seed=9", "hydra.run.dir=course")
    (line,) = ended.err.splitlines()
    assert ended.code == 1
    assert "go on with: python -m grit task=pretrain seed=9 hydra.run.dir=" in line
    assert line.endswith("/course")
