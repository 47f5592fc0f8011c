"""Every table of ACC that rules gave to answers about photographs says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wandb_service import ENTITY, WandbService, logged_run

from grit.paper.building import BUILDERS, build
from grit.paper.evidence import Evidence, evidence_of_sources
from grit.runs.judging import BY_RULES

MakeRun = Callable[..., Path]
EXHIBITS = ("table1", "table3", "figure6")


def evidence(run: MakeRun, tmp_path: Path, **more: Any) -> Evidence:
    photographs = more.get("suite") == "paper"
    full, fewer = ("vsr_tally", "vsr_only") if photographs else ("shapes", "shapes_vsr_only")
    run("cot", method="cot", **more)
    run("grit", data=full, **more)
    run("large", data=f"{full}_500", **more)
    run("fewer", data=fewer, reward="no_count", **more)
    return evidence_of_sources([str(tmp_path / "runs")])


@pytest.mark.parametrize("name", EXHIBITS)
def test_every_table_of_photographs_judged_by_rules_says_so_first(
    run: MakeRun, tmp_path: Path, name: str
) -> None:
    exhibit = BUILDERS[name](evidence(run, tmp_path, suite="paper"))
    assert len(exhibit.tables) > 1
    for table in exhibit.tables:
        assert table.notes[0] == BY_RULES, table.title
        assert table.notes.count(BY_RULES) == 1


@pytest.mark.parametrize("name", EXHIBITS)
@pytest.mark.parametrize("more", [{"suite": "shapes"}, {"suite": "paper", "judge": "openai"}])
def test_other_tables_do_not(run: MakeRun, tmp_path: Path, name: str, more: dict[str, str]) -> None:
    for table in BUILDERS[name](evidence(run, tmp_path, **more)).tables:
        assert BY_RULES not in table.notes


def test_the_leaderboard_says_it_over_its_differences_too(run: MakeRun, tmp_path: Path) -> None:
    for method in ("grit", "cot"):
        run(method, method=method, suite="paper")
        run(f"drawn_{method}", method=method)
    tables = BUILDERS["methods"](evidence_of_sources([str(tmp_path / "runs")])).tables
    photographs = [table for table in tables if "suite=paper" in table.title]
    assert (len(photographs), len(tables)) == (2, 4)
    assert all(table.notes[0] == BY_RULES for table in photographs)
    assert not any(BY_RULES in table.notes for table in tables if table not in photographs)


def test_each_part_says_it_of_itself_alone(run: MakeRun, tmp_path: Path) -> None:
    run("drawn")
    run("photographed", suite="paper")
    tables = BUILDERS["table1"](evidence_of_sources([str(tmp_path / "runs")])).tables
    assert {BY_RULES in table.notes for table in tables if "suite=paper" in table.title} == {True}
    assert {BY_RULES in table.notes for table in tables if "suite=shapes" in table.title} == {False}


def test_it_stands_in_the_files(run: MakeRun, tmp_path: Path) -> None:
    build("table1", evidence(run, tmp_path, suite="paper"), tmp_path / "made")
    for ending in ("md", "tex", "html", "csv"):
        text = (tmp_path / "made" / f"table1.{ending}").read_text(encoding="utf-8")
        assert "ACC is by a strict text rule" in text, ending


def test_runs_of_wandb_say_it_too(
    wandb_service: WandbService, run: MakeRun, tmp_path: Path
) -> None:
    results = json.loads((run("r", suite="paper") / "results.json").read_text())
    wandb_service.projects["grit"] = [logged_run("r", {"results": results})]
    tables = BUILDERS["table1"](evidence_of_sources([f"wandb:{ENTITY}/grit"])).tables
    assert [table.notes[0] for table in tables] == [BY_RULES] * len(tables)
