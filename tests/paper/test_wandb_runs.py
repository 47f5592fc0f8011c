"""Runs that the real client reads from W&B's API, on loopback."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb
from chat_service import Play, is_silent, sends
from wandb_service import ENTITY, KEY, WandbService, error, logged_run

from grit.core.errors import GritError
from grit.paper.building import build
from grit.paper.evidence import evidence_of_sources
from grit.paper.table1 import table1

PAGE = 50  # runs, by the client's choice
SOURCE = f"wandb:{ENTITY}/grit"


@pytest.fixture
def results(run: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """What a run's ``results.json`` holds."""
    return lambda name, **more: json.loads((run(name, **more) / "results.json").read_text())


def test_runs_on_two_pages_give_the_table_of_their_folders(
    wandb_service: WandbService, run: Callable[..., Path], tmp_path: Path
) -> None:
    results = json.loads((run("r", {"vsr": (1.0, 0.0)}) / "results.json").read_text())
    logged = []
    for seed in range(PAGE + 2):
        results["seed"] = seed
        results["sets"]["vsr"]["acc"]["mean"] = 90 if seed == PAGE + 1 else seed
        folder = tmp_path / "many" / str(seed)
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(results))
        logged.append(logged_run(f"r{seed}", {"results": results, "_step": 3}))
    wandb_service.projects["grit"] = logged
    sources = {"there": SOURCE, "here": str(tmp_path / "many")}
    files = {
        place: build("table1", evidence_of_sources([source]), tmp_path / place)
        for place, source in sources.items()
    }
    assert wandb_service.operations.count("Runs") == 2
    assert "Run" not in wandb_service.operations  # no request for each run
    assert len(files["there"]) > 3
    for there, here in zip(files["there"], files["here"], strict=True):
        assert there.name == here.name
        assert there.read_bytes() == here.read_bytes(), there.name
    assert f"GRIT, {PAGE + 2} seeds" in (tmp_path / "there" / "table1.md").read_text()


def test_what_a_run_lacks_is_said(
    wandb_service: WandbService, results: Callable[..., dict[str, Any]]
) -> None:
    found = [results("a", seed=0), results("b", seed=1)]
    wandb_service.projects["grit"] = [
        *(logged_run(f"r{seed}", {"results": each}) for seed, each in enumerate(found)),
        logged_run("crashed", {"_step": 1}, "crashed"),
        logged_run("old", {"results": found[0] | {"schema_version": 0}}),
    ]
    evidence = evidence_of_sources([SOURCE])
    assert [each.name for each in evidence.runs] == [f"{SOURCE}/r1", f"{SOURCE}/r0"]
    table = table1(evidence).tables[0]
    assert "GRIT, 2 seeds" in [row.label for row in table.sections[0].rows]
    notes = " ".join(table.notes)
    assert "crashed) is left out: it has no results" in notes
    assert "its schema_version is 0" in notes


def test_of_two_wandb_runs_of_one_run_the_newer_counts(
    wandb_service: WandbService, results: Callable[..., dict[str, Any]]
) -> None:
    """As where a run was resumed because the judge had failed on many answers."""
    before, after = results("a", seed=0), results("b", seed=0)
    after["sets"]["vsr"]["acc"]["mean"] = 77.0
    wandb_service.projects["grit"] = [
        logged_run("stopped", {"results": before}),
        logged_run("resumed", {"results": after}),
    ]
    table = table1(evidence_of_sources([SOURCE])).tables[0]
    (row,) = (row for row in table.sections[0].rows if row.label.startswith("GRIT"))
    assert row.cells[0].text.startswith("77.0")
    assert any("stopped repeats" in note and "resumed" in note for note in table.notes)


def test_settings_that_wandb_keeps_tell_runs_apart(
    wandb_service: WandbService, results: Callable[..., dict[str, Any]]
) -> None:
    logged = []
    for name, beta in (("same", 0.01), ("other", 0.02)):
        run = logged_run(name, {"results": results(name, settings_hash=name)})
        config = {"grit": {"value": {"training": {"beta": beta}, "seed": 0}}}
        logged.append(run | {"config": json.dumps(config)})
    wandb_service.projects["grit"] = logged
    table = table1(evidence_of_sources([SOURCE])).tables[0]
    labels = [row.label for row in table.sections[0].rows if row.label.startswith("GRIT")]
    assert labels == ["GRIT (training.beta=0.02)", "GRIT (training.beta=0.01)"]
    logged[0]["config"] = "{}"  # one that does not say: the fingerprints do
    table = table1(evidence_of_sources([SOURCE])).tables[0]
    labels = [row.label for row in table.sections[0].rows if row.label.startswith("GRIT")]
    assert labels == ["GRIT (settings=other)", "GRIT (settings=same)"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("wandb:grit", "expected wandb:ENTITY/PROJECT"),
        ("wandb:somebody/", "expected wandb:ENTITY/PROJECT"),
        ("wandb:somebody/other", "W&B: Could not find project other"),
        ("wandb:nobody/grit", "W&B: Could not find project grit"),
        ("wandb:somebody/grit", "none of its 1 runs has results"),
    ],
)
def test_a_project_without_results_is_refused(
    wandb_service: WandbService, source: str, said: str
) -> None:
    wandb_service.projects["grit"] = [logged_run("r", {})]
    with pytest.raises(GritError, match=rf"runs={source}: {said}"):
        evidence_of_sources([source])


@pytest.mark.parametrize(
    ("asked", "play", "said"),
    [
        ("Viewer", error(401, "no such key"), "credentials with http.*: no such key"),
        ("Runs", error(403, "forbidden"), "W&B: forbidden"),
        ("Runs", error(200, "a limit\nis reached"), "W&B: input: a limit is reached"),
        ("Runs", sends(200, "<html>", "text/html"), "W&B: invalid character '<'"),
        ("Runs", sends(200, {"data": {}}), "W&B: Could not find project"),
        ("Viewer", is_silent, "no answer in time"),
        ("Runs", is_silent, "no answer in time"),
        ("Runs", error(500, "out of order"), "no answer in time"),
    ],
)
def test_a_server_in_trouble_is_quoted(
    wandb_service: WandbService,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    play: Play,
    said: str,
) -> None:
    monkeypatch.setattr(wandb.Api, "_HTTP_TIMEOUT", 3)  # set when the library was imported
    wandb_service.trouble[asked] = play
    started = time.monotonic()
    with pytest.raises(GritError, match=said) as caught:
        evidence_of_sources([SOURCE])
    assert time.monotonic() - started < 20
    assert str(caught.value).startswith(f"runs={SOURCE}: W&B: ")
    assert asked in wandb_service.operations


def test_a_later_page_that_does_not_come_is_no_shorter_table(
    wandb_service: WandbService, results: Callable[..., dict[str, Any]]
) -> None:
    summary = {"results": results("a")}
    runs = [logged_run(f"r{at}", summary) for at in range(PAGE + 1)]
    wandb_service.projects["grit"] = runs
    del runs[0]["summaryMetrics"]  # of the last page: what was asked for is not there
    with pytest.raises(GritError, match='Cannot query field "summaryMetrics"'):
        evidence_of_sources([SOURCE])
    assert wandb_service.operations.count("Runs") == 2


def test_a_server_that_is_not_there(
    wandb_service: WandbService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb.Api, "_HTTP_TIMEOUT", 2)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(GritError, match=r"credentials with http://127.0.0.1:9: no answer in time"):
        evidence_of_sources([SOURCE])
    assert not wandb_service.requests


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (KEY[:-1] + "X", "invalid API key"),
        ("too-short", "API key must have 40[+] characters"),
        (None, "No API key configured: set the environment variable WANDB_API_KEY$"),
    ],
)
def test_a_key_that_is_not_right(
    wandb_service: WandbService, monkeypatch: pytest.MonkeyPatch, key: str | None, said: str
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    if key is not None:
        monkeypatch.setenv("WANDB_API_KEY", key)
    wandb_service.projects["grit"] = [logged_run("r", {})]
    with pytest.raises(GritError, match=said) as caught:
        evidence_of_sources([SOURCE])
    assert key is None or key not in str(caught.value)
    assert "Runs" not in wandb_service.operations
