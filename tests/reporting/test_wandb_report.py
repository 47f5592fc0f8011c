import json
from pathlib import Path
from typing import Any

import pytest
import wandb

from grit.errors import GritError
from grit.reporting import wandb_report as module
from grit.reporting.finished import find_runs
from grit.reporting.wandb_report import (
    Contents,
    default_entity,
    save,
    spec,
    varied_settings,
    wandb_report,
)


@pytest.fixture
def runs(finished_run, tmp_path: Path):
    for seed in (0, 1):
        finished_run(tmp_path / str(seed), seed=seed)
        (tmp_path / str(seed) / "wandb" / f"offline-run-20260102_030405-id{seed}").mkdir(
            parents=True
        )
    return find_runs([tmp_path])


@pytest.fixture
def report(runs):
    contents = Contents("Seeds", runs, {"Table 1": "| a |\n| --- |\n| 1 |\n"}, lead="What for")
    return wandb_report(contents, entity="somebody", project="grit")


def panels(found: dict[str, Any]) -> list[dict[str, Any]]:
    grids = [block for block in found["spec"]["blocks"] if block["type"] == "panel-grid"]
    return [
        panel for grid in grids for panel in grid["metadata"]["panelBankSectionConfig"]["panels"]
    ]


def test_the_spec_is_json_with_every_part(report) -> None:
    found = spec(report)
    assert json.loads(json.dumps(found)) == found
    assert (found["entityName"], found["projectName"]) == ("somebody", "grit")
    assert found["displayName"] == "Seeds"
    kinds = {panel["viewType"] for panel in panels(found)}
    assert {
        "Bar Chart",
        "Run History Line Plot",
        "Parallel Coordinates Plot",
        "Parameter Importance",
        "Scatter Plot",
        "Run Comparer",
        "Media Browser",
    } <= kinds
    text = json.dumps(found)
    assert "| --- |" in text
    assert "What for" in text


def test_only_these_runs_are_shown(report) -> None:
    grids = [b for b in spec(report)["spec"]["blocks"] if b["type"] == "panel-grid"]
    for grid in grids:
        (runset,) = grid["metadata"]["runSets"]
        assert "id0" in json.dumps(runset["filters"])
        assert "id1" in json.dumps(runset["filters"])
        assert "project" not in runset  # it is the report's


def test_panels_show_what_was_measured_and_varied(report) -> None:
    found = panels(spec(report))
    text = json.dumps(found)
    assert '"eval/vsr/acc"' in text
    assert '"reward_part/bleu"' in text
    columns = next(
        panel["config"]["columns"]
        for panel in found
        if panel["viewType"] == "Parallel Coordinates Plot"
    )
    assert [column["accessor"] for column in columns] == [
        "config:grit.value.seed",
        "summary:eval/mean/acc",
        "summary:eval/mean/giou",
        "summary:eval/mean/format_rate",
    ]


def test_what_runs_differ_in_is_found_and_nothing_else(runs) -> None:
    assert varied_settings(runs) == {"seed": [0, 1]}
    assert varied_settings(runs[:1]) == {}


def test_without_ids_all_runs_of_the_project_are_shown(finished_run, tmp_path: Path) -> None:
    finished_run(tmp_path)
    contents = Contents("One", find_runs([tmp_path]), {})
    found = spec(wandb_report(contents, entity="", project="grit"))
    grids = [block for block in found["spec"]["blocks"] if block["type"] == "panel-grid"]
    assert not grids[0]["metadata"]["runSets"][0]["filters"].get("filters")
    assert "Parallel Coordinates Plot" not in {panel["viewType"] for panel in panels(found)}


def test_a_server_that_says_no_is_quoted_in_one_line(report, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise wandb.errors.CommError("permission denied\nstack of things")

    monkeypatch.setattr(type(report), "save", refuse)
    with pytest.raises(GritError, match=r"the W&B report was not saved: permission denied$"):
        save(report)


def test_without_a_server_there_is_no_entity(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise wandb.errors.UsageError("no API key")

    monkeypatch.setattr(module.wandb, "Api", refuse)
    with pytest.raises(GritError, match=r"no API key; set logger\.entity"):
        default_entity()
