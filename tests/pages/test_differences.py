from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from grit.pages.differences import run_labels, shared_settings, varied_settings
from grit.runs.finished import find_runs

Varied = Callable[..., None]


@pytest.fixture
def varied(finished_run: Callable[..., Any], tmp_path: Path) -> Varied:
    """A finished run in a folder of this name, with settings that other runs do not have."""

    def write(name: str, *, seed: int = 0, **settings: Any) -> None:
        finished_run(tmp_path / name, seed=seed)
        path = tmp_path / name / "config.yaml"
        config = yaml.safe_load(path.read_text()) | settings
        path.write_text(yaml.safe_dump(config))

    return write


def test_what_runs_differ_in_is_found_and_nothing_else(varied: Varied, tmp_path: Path) -> None:
    for seed in (0, 1):
        varied(str(seed), seed=seed)
    runs = find_runs([tmp_path])
    assert varied_settings(runs) == {"seed": [0, 1]}
    assert varied_settings(runs[:1]) == {}
    assert run_labels(runs) == ["seed 0", "seed 1"]


def test_runs_of_one_seed_are_told_apart_by_their_settings(varied: Varied, tmp_path: Path) -> None:
    for size in (2, 4):
        for seed in (0, 1):
            varied(f"{size}-{seed}", seed=seed, training={"group_size": size})
    assert run_labels(find_runs([tmp_path])) == [
        f"seed {seed} · training.group_size={size}" for size in (2, 4) for seed in (0, 1)
    ]


def test_and_repetitions_by_their_folders(varied: Varied, tmp_path: Path) -> None:
    for name in ("a", "b"):
        varied(name)
    varied("c", seed=1)
    assert run_labels(find_runs([tmp_path])) == ["seed 0 · a", "seed 0 · b", "seed 1"]
    assert run_labels(find_runs([tmp_path / "a"])) == ["a"]
    for name in ("x/a", "y/a"):
        varied(name)
    found = run_labels(find_runs([tmp_path / "x", tmp_path / "y"]))
    assert found == ["a (1)", "a (2)"]


def test_what_all_configurations_share_keeps_its_shape() -> None:
    one = {"seed": 0, "method": {"name": "grit", "suffix": True}, "logger": {"name": "none"}}
    other = {"seed": 1, "method": {"name": "sft", "suffix": True}, "logger": {"name": "none"}}
    assert shared_settings([one, other]) == {"method": {"suffix": True}}
    assert shared_settings([one, {"seed": 0}]) == {"seed": 0}
    assert shared_settings([]) == {}
