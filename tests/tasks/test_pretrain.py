"""``task=pretrain`` as the command line gives it; the course itself has tests of its own."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from grit.config.configuration import CONF
from grit.pretraining.course import Course
from grit.pretraining.settings import PretrainSettings
from grit.tasks import pretrain


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Course]:
    """The settings of the courses that would have run."""
    found: list[Course] = []

    def course(settings: Course, folder: Path) -> Path:
        found.append(settings)
        if settings.seed == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return folder / "model"

    monkeypatch.setattr(pretrain, "pretrain", course)
    return found


def test_a_family_has_its_own_settings_and_the_command_line_the_last_word(
    asked: list[Course], command: Any
) -> None:
    assert command("task=pretrain", "model=tiny_internvl").code == 0
    own = PretrainSettings(**yaml.safe_load((CONF / "pretrain" / "internvl.yaml").read_text()))
    assert own.grounding_steps > PretrainSettings().grounding_steps
    assert asked == [Course("internvl", settings=own)]
    changed = ("pretrain.pairs_steps=5", "pretrain.rate=0.1", "seed=3", "threads=1")
    assert command("task=pretrain", "model=tiny_internvl", *changed).code == 0
    told = replace(own, pairs_steps=5, rate=0.1)
    assert asked[1] == Course("internvl", 3, told, threads=1)
    assert command("task=pretrain").code == 0
    assert asked[2] == Course("qwen")


def test_only_tiny_models_can_be_made(asked: list[Course], command: Any) -> None:
    ended = command("task=pretrain", "model=internvl3_2b")
    assert (ended.code, asked) == (1, [])
    assert "task=pretrain makes tiny models" in ended.err


def test_ctrl_c_says_how_to_go_on(asked: list[Course], command: Any) -> None:
    ended = command("task=pretrain", "seed=9", "hydra.run.dir=course")
    (line,) = ended.err.splitlines()
    assert ended.code == 1
    assert "go on with: python -m grit task=pretrain seed=9 hydra.run.dir=" in line
    assert line.endswith("/course")
