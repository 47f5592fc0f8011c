import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml
from chat_service import Play, is_silent, sends
from wandb_service import ENTITY, WandbService, error

from grit.core.errors import GritError
from grit.runs.finished import find_runs
from grit.runs.shown_metrics import DEFINITIONS, DIFFERENT, EQUAL
from grit.tracking.wandb_report import (
    default_entity,
    logged_at,
    save,
    spec,
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
    tables = {"Table 1": "| a |\n| --- |\n| 1 |\n"}
    return wandb_report("Seeds", runs, tables, entity="somebody", project="grit")


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


def test_only_these_runs_are_shown(report) -> None:
    grids = [b for b in spec(report)["spec"]["blocks"] if b["type"] == "panel-grid"]
    for grid in grids:
        (runset,) = grid["metadata"]["runSets"]
        assert "id0" in json.dumps(runset["filters"])
        assert "id1" in json.dumps(runset["filters"])
        assert "project" not in runset  # it is the report's


def test_a_run_that_was_not_logged_does_not_show_all_others(finished_run, runs, tmp_path, caplog):
    finished_run(tmp_path / "2", seed=2)
    (grid, *_) = [
        block
        for block in spec(wandb_report("S", find_runs([tmp_path]), {}, entity="x", project="y"))[
            "spec"
        ]["blocks"]
        if block["type"] == "panel-grid"
    ]
    (runset,) = grid["metadata"]["runSets"]
    assert all(id_ in json.dumps(runset["filters"]) for id_ in ("id0", "id1"))
    assert "1 of 3 runs were not logged" in caplog.text


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


def test_acc_both_ways(runs) -> None:
    def text_of(runs: Any) -> str:
        return json.dumps(spec(wandb_report("Seeds", runs, {}, entity="x", project="y")))

    text = text_of(runs)
    assert DEFINITIONS in text
    assert EQUAL in text
    assert "eval/vsr/acc_binary" not in text
    vsr = runs[0].results.sets["vsr"]
    metrics = vsr.metrics | {"acc_binary": vsr.metrics["acc"]._replace(mean=42.5)}
    results = replace(runs[0].results, sets={"vsr": replace(vsr, metrics=metrics)})
    torn = text_of([replace(runs[0], results=results), runs[1]])
    assert DIFFERENT in torn
    assert '"eval/vsr/acc_binary"' in torn
    assert '"eval/mean/acc_binary"' in torn


def test_without_ids_all_runs_of_the_project_are_shown(finished_run, tmp_path: Path) -> None:
    finished_run(tmp_path)
    found = spec(wandb_report("One", find_runs([tmp_path]), {}, entity="", project="grit"))
    grids = [block for block in found["spec"]["blocks"] if block["type"] == "panel-grid"]
    assert not grids[0]["metadata"]["runSets"][0]["filters"].get("filters")
    assert "Parallel Coordinates Plot" not in {panel["viewType"] for panel in panels(found)}


def test_the_server_gets_the_spec(report, wandb_service: WandbService) -> None:
    written = spec(report)
    url = save(report)
    (saved,) = wandb_service.reports
    assert json.loads(saved["spec"]) == written["spec"]
    for field in ("displayName", "description"):
        assert saved[field] == written[field]
    assert saved["type"] == "runs"  # no draft
    assert saved["project"]["name"] == written["projectName"]
    assert saved["project"]["entityName"] == written["entityName"]
    assert list(wandb_service.projects) == ["grit"]  # made by the way
    assert url == f"{wandb_service.url}/{ENTITY}/grit/reports/Seeds--{saved['id']}"


def test_a_project_that_is_there_is_not_made_again(report, wandb_service: WandbService) -> None:
    wandb_service.projects |= {"other": [], "grit": []}
    save(report)
    assert "CreateProject" not in wandb_service.operations
    assert len(wandb_service.reports) == 1


@pytest.mark.parametrize(
    ("asked", "play", "said"),
    [
        ("Viewer", error(401, "no such key"), "credentials with http.*: no such key"),
        ("GetProjects", error(403, "not yours"), "not yours"),
        ("upsertView", error(200, "denied\nby the admin"), "input: denied by the admin"),
        ("upsertView", is_silent, "no answer in time"),
    ],
)
def test_a_server_that_does_not_save_is_quoted_in_one_line(
    report, wandb_service: WandbService, monkeypatch, asked: str, play: Play, said: str
) -> None:
    monkeypatch.setattr(wandb.Api, "_HTTP_TIMEOUT", 3)
    wandb_service.trouble[asked] = play
    with pytest.raises(GritError, match=rf"^the W&B report was not saved: .*{said}") as caught:
        save(report)
    assert "\n" not in str(caught.value)
    assert not wandb_service.reports


def test_without_a_key_nothing_is_saved(report, wandb_service: WandbService, monkeypatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(GritError, match=r"was not saved: No API key configured: .* WANDB_API_KEY"):
        save(report)
    with pytest.raises(GritError, match=r"No API key configured.*; set logger\.entity"):
        default_entity()
    assert not wandb_service.requests


def test_the_entity_is_the_keys(wandb_service: WandbService) -> None:
    assert default_entity() == ENTITY


def test_a_key_of_nobody_needs_an_entity(wandb_service: WandbService) -> None:
    nobody = {"data": {"viewer": {"id": "id-user", "entity": None}}}
    wandb_service.trouble["GetDefaultEntity"] = sends(200, nobody)
    with pytest.raises(GritError, match=r"belongs to no user or team; set logger\.entity"):
        default_entity()


def test_panels_are_of_the_project_that_the_runs_were_logged_in(
    finished_run, tmp_path: Path, caplog
) -> None:
    for name, project in (("a", "mine"), ("b", "yours")):
        finished_run(tmp_path / name)
        path = tmp_path / name / "config.yaml"
        fields = yaml.safe_load(path.read_text())
        fields["logger"] |= {"project": project, "entity": None}
        path.write_text(yaml.safe_dump(fields))
        (tmp_path / name / "wandb" / "run-20260102_030405-abc").mkdir(parents=True)
    one, both = find_runs([tmp_path / "a"]), find_runs([tmp_path])
    assert logged_at("project", "grit", one, []) == "mine"
    assert logged_at("entity", "somebody", one, []) is None  # whoever's key it was
    assert logged_at("project", "other", one, ["logger.project=other"]) == "other"
    assert "several" not in caplog.text
    assert logged_at("project", "grit", both, []) == "mine"
    assert "several values of logger.project (mine, yours)" in caplog.text
    (tmp_path / "a" / "wandb").rename(tmp_path / "a" / "elsewhere")
    assert logged_at("project", "grit", find_runs([tmp_path / "a"]), []) == "grit"
