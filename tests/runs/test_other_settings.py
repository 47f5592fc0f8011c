"""Going on with a run by other settings: the line names what that run has."""

import json
from pathlib import Path

import pytest
import yaml
from composing import config

from grit.config.identity import config_hash, plain
from grit.core.errors import GritError
from grit.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a run that was begun."""
    begun = config("training.steps=40", "data.root=cups")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain(begun)))
    record = {"config_hash": config_hash(begun), "started": "2026-01-02T03:04:05+00:00"}
    (tmp_path / "run.json").write_text(json.dumps(record))
    return tmp_path


@pytest.mark.parametrize(
    ("overrides", "theirs"),
    [
        (["training.steps=80", "data.root=cups"], "training.steps=40"),
        (["training.steps=40", "data.root=cups", "seed=3"], "seed=0"),
        (["training.steps=40", "data.root=cups", "training.beta=0"], "training.beta=0.01"),
    ],
)
def test_what_the_run_has_is_named(folder: Path, overrides: list[str], theirs: str) -> None:
    with pytest.raises(GritError) as raised:
        RunFolder.at(config(*overrides, "resume=true"), folder, [])
    assert f"(its config.yaml: {theirs})" in str(raised.value)


def test_without_a_readable_file_nothing_is_named(folder: Path) -> None:
    (folder / "config.yaml").write_text("[")
    with pytest.raises(GritError, match=r"\(its config\.yaml\); give the same overrides"):
        RunFolder.at(config("training.beta=0", "resume=true"), folder, [])
