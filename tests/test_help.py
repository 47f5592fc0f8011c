"""The help, which must not wait for torch."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from composing import ARMS, DEFAULTS, EXPERIMENTS, FILES, choice

from grit import __version__
from grit.config.configuration import GROUPS
from grit.config.schema import Task

PROGRAM = """
import sys
sys.argv = ["grit", *sys.argv[1:]]
from grit.__main__ import main
try:
    main()
finally:
    heavy = {"torch", "transformers", "pytorch_lightning", "wandb", "numpy", "PIL", "peft"}
    print("\\nloaded:", *sorted(heavy & set(sys.modules)))
"""


def light(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command and say, in the last line, which heavy libraries it has loaded."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def help_page(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("help")
    done = light(folder, "--help")
    assert list(folder.iterdir()) == []  # nothing is left behind
    return done


def test_help_loads_nothing_heavy(help_page: subprocess.CompletedProcess[str]) -> None:
    assert (help_page.returncode, help_page.stderr) == (0, "")
    assert help_page.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("path", FILES + EXPERIMENTS + ARMS, ids=choice)
def test_help_describes_every_choice(
    help_page: subprocess.CompletedProcess[str], path: Path
) -> None:
    lines = re.findall(rf"^ ([* ]) {re.escape(choice(path))} +(.*)$", help_page.stdout, re.M)
    assert len(lines) == 1
    mark, description = lines[0]
    assert len(description.split()) >= 3
    if path.parent.name in DEFAULTS:
        assert (mark == "*") == (path.stem == DEFAULTS[path.parent.name])


def test_help_groups_choices_and_names_the_tasks(
    help_page: subprocess.CompletedProcess[str],
) -> None:
    lines = help_page.stdout.splitlines()
    for group in GROUPS:
        assert [line for line in lines if re.match(rf"{group}: \S+", line)]
    for task in get_args(Task):
        assert [line for line in lines if re.match(rf"task={task} +\S+", line)]


def test_help_names_no_choice_that_does_not_exist(
    help_page: subprocess.CompletedProcess[str],
) -> None:
    there = {choice(path) for path in FILES + EXPERIMENTS + ARMS}
    said = re.findall(r"\b([a-z_]+)=([\w,]+)", help_page.stdout)
    named = {f"{group}={one}" for group, many in said if group in GROUPS for one in many.split(",")}
    assert named - there == set()


def test_help_is_about_one_group_where_it_is_named(
    help_page: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    done = light(tmp_path, "--help", "reward")
    *lines, loaded = done.stdout.splitlines()
    assert (done.returncode, loaded) == (0, "loaded:")
    assert lines[0].startswith("reward: ")
    choices = lines[: lines.index("")]
    assert "\n".join(choices) in help_page.stdout
    assert not [line for line in lines if "model=" in line]
    weight = lines.index("  reward.terms.NAME.weight (number)")
    assert "multiplied by" in lines[weight + 1]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_a_reader_that_has_read_enough_is_no_mistake(tmp_path: Path, arguments: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "grit", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        said = started.stderr.read()
        assert (started.wait(timeout=120), said) == (0, b"")


@pytest.mark.parametrize("arguments", [["--version"], ["seed=1", "--version"]], ids=" ".join)
def test_the_version_is_this_programs(tmp_path: Path, arguments: list[str]) -> None:
    done = light(tmp_path, *arguments)
    first, *libraries, loaded = filter(None, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert (first, loaded) == (f"grit {__version__}", "loaded:")
    assert f"torch {version('torch')}" in libraries
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_loads_nothing_heavy(tmp_path: Path) -> None:
    done = light(tmp_path, "training.group_size=1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "loaded:"
