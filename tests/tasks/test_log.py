"""``grit.log``: what a run ends with stands in it too."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import grit.__main__ as program
from grit.core.errors import GritError

Command = Callable[..., Any]


def ends_with(error: Exception, *, begun: bool) -> Callable[..., None]:
    def perform(*_: object) -> None:
        if begun:
            logging.getLogger("grit").info("begun")
        raise error

    return perform


def test_a_mistake_is_the_last_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "perform", ends_with(GritError("row 3 is wrong"), begun=True))
    ended = command("hydra.run.dir=run")
    assert (ended.code, ended.err) == (1, "grit: row 3 is wrong\n")
    assert Path("run/grit.log").read_text().splitlines() == ["begun", "grit: row 3 is wrong"]
    assert ended.out.splitlines() == ["begun"]


def test_before_anything_began_there_is_no_folder_and_no_log(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "perform", ends_with(GritError("row 3 is wrong"), begun=False))
    assert command("hydra.run.dir=run").err == "grit: row 3 is wrong\n"
    assert not Path("run").exists()


def test_each_job_has_its_own_line(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "perform", ends_with(GritError("wrong"), begun=True))
    ended = command("-m", "seed=1,2", "hydra.sweep.dir=runs", "hydra.sweep.subdir=${seed}")
    assert ended.err.splitlines() == ["grit: job 0: wrong", "grit: job 1: wrong"]
    for seed in "12":
        assert Path("runs", seed, "grit.log").read_text().splitlines() == ["begun", "grit: wrong"]


def test_a_fault_of_the_program_leaves_its_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "perform", ends_with(RuntimeError("a bug"), begun=True))
    with pytest.raises(RuntimeError, match="a bug"):
        command("hydra.run.dir=run")
    lines = Path("run/grit.log").read_text().splitlines()
    assert lines[:2] == ["begun", "RuntimeError"]
    assert lines[-1] == "RuntimeError: a bug"
