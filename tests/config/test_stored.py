"""What a run's folder from elsewhere says must not reach into the reader's environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from composing import config
from omegaconf import OmegaConf

from grit.config.configuration import checked
from grit.config.identity import plain
from grit.config.stored import stored_config, stored_configuration
from grit.core.errors import GritError
from grit.pages.galleries import galleries_of
from grit.runs.finished import FinishedRun

SECRET = "sk-of-the-reader-0123456789"
TRAPS = {
    "a value": ("logger", {"tags": ["${oc.env:OPENAI_API_KEY}"]}),
    "a name": ("model", {"name": "${oc.env:OPENAI_API_KEY}"}),
    "a nested one": ("data", {"name": "${oc.decode:${oc.env:OPENAI_API_KEY}}"}),
    "of another field": ("method", {"name": "${seed}"}),
    "a key": ("reward", {"terms": {"${oc.env:OPENAI_API_KEY}": {"weight": 1.0}}}),
    "a default": ("notes", "${oc.env:NOTHING_OF_THE_KIND,${oc.env:OPENAI_API_KEY}}"),
}


@pytest.fixture
def trapped(tmp_path: Path, finished_run, monkeypatch) -> Callable[[str, Any], Path]:
    """Writes a finished run whose configuration asks for the reader's key."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    def write(key: str, value: Any) -> Path:
        folder = tmp_path / "run"
        finished_run(folder)
        path = folder / "config.yaml"
        fields = yaml.safe_load(path.read_text()) | {key: value}
        path.write_text(yaml.safe_dump(fields))
        (folder / "run.json").write_text('{"config_hash": "a", "started": "2026-01-01"}')
        return folder

    return write


def readers(folder: Path) -> dict[str, Callable[[], object]]:
    run = FinishedRun.read(folder)
    return {
        "reports": lambda: run.config,
        "figures": lambda: FinishedRun.with_predictions(folder),
        "galleries": lambda: galleries_of([run], ["run"]),
    }


@pytest.mark.parametrize("reader", ["reports", "figures", "galleries"])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_stored_interpolation_is_refused(trapped, trap: str, reader: str) -> None:
    folder = trapped(*TRAPS[trap])
    with pytest.raises(GritError) as raised:
        readers(folder)[reader]()
    line = str(raised.value)
    assert str(folder / "config.yaml") in line
    assert "interpolation" in line
    assert "\n" not in line
    assert SECRET not in line


@pytest.mark.parametrize(
    "text", [r'notes: "\x24{oc.env:OPENAI_API_KEY}"', "notes: [{a: '${seed}'}]"]
)
def test_escapes_and_depth_hide_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(GritError, match="interpolation"):
        stored_configuration(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    "text", ["a: [", "- a", "", "a: " + "[" * 5000, "\xff", "!!python/name:os.system x"]
)
def test_what_is_no_configuration_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(GritError) as raised:
        stored_configuration(tmp_path / "config.yaml")
    assert str(raised.value).startswith(str(tmp_path / "config.yaml"))
    assert "\n" not in str(raised.value)


def test_dollars_alone_are_plain(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("notes: costs $5 {really}")
    assert stored_configuration(tmp_path / "config.yaml") == {"notes": "costs $5 {really}"}


def test_sources_that_are_a_list_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: {total: 3, sources: [a]}")
    with pytest.raises(GritError, match=r"data\.sources must be entries"):
        stored_config(tmp_path / "config.yaml")


def test_what_is_refused_today_may_have_run_before(tmp_path: Path) -> None:
    """Its weights are fine, whatever setting had no effect."""
    fields = plain(config())
    fields["training"]["objective"]["ratio_limit"] = 0.28
    fields["suite"]["sets"]["vsr"]["apart_from_tests"] = True
    with pytest.raises(GritError):
        checked(OmegaConf.create(fields))
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(fields))
    assert stored_config(path).training.objective.ratio_limit == 0.28
