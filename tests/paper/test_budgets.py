"""Runs that were trained for longer, or on other data, in one folder with the others."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from grit.figures.table import Table
from grit.paper.evidence import evidence_of_sources
from grit.paper.figure6 import figure6
from grit.paper.methods import methods
from grit.paper.table3 import table3

MakeRun = Callable[..., Path]
SETS = ("vsr", "tallyqa", "gqa", "mathvista")
LOW, HIGH = dict.fromkeys(SETS, (0.0, 0.5, 1.0)), dict.fromkeys(SETS, (0.25, 0.75, 1.25))


@pytest.fixture
def trained(run: MakeRun) -> MakeRun:
    """Write a run with the number of its steps and the name of its data."""

    def write(name: str, scores: dict, steps: int, **more: str) -> Path:
        data = more.get("data", "shapes")
        reward = more.get("reward", "grpo_gr")
        folder = run(name, scores, settings_hash=f"{data} {reward} {steps}", **more)
        config = {"trainer": {"max_steps": steps}, "data": {"name": data}}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        return folder

    return write


def labels(table: Table) -> list[str]:
    return [row.label for section in table.sections for row in section.rows]


def test_a_curve_is_of_one_budget(trained: MakeRun, tmp_path: Path) -> None:
    """As where table 3's runs of 20 triplets, of fewer steps, lie in the same folder."""
    trained("short", LOW, 60)
    trained("a", HIGH, 200)
    trained("b", LOW, 200, data="shapes_500")
    trained("c", HIGH, 200, data="shapes_7000")
    exhibit = figure6(evidence_of_sources([str(tmp_path)]))
    table, differences, *_ = exhibit.tables
    assert len(labels(table)) == 4
    assert labels(differences) == ["500 − 20", "7000 − 20", "7000 − 500"]
    (panel,) = exhibit.charts[0].panels
    assert [(point.x, point.mean) for point in panel.series[0].points] == [
        (20, 75.0),
        (500, 50.0),
        (7000, 75.0),
    ]
    notes = " ".join(table.notes)
    assert "one budget of training, one of each size, and leave out 1: name the runs" in notes
    assert "The rows of tiny_qwen differ in trainer.max_steps: " in notes


def test_sizes_of_different_budgets_have_no_curve(trained: MakeRun, tmp_path: Path) -> None:
    trained("short", LOW, 60)
    trained("long", HIGH, 200, data="shapes_500")
    exhibit = figure6(evidence_of_sources([str(tmp_path)]))
    assert not any("More triplets" in table.title for table in exhibit.tables)
    assert "missing" in exhibit.charts[0].panels[0].title
    assert "leave out 2" in " ".join(exhibit.tables[0].notes)


def test_table3_says_that_its_rows_differ_in_steps(trained: MakeRun, tmp_path: Path) -> None:
    trained("full", HIGH, 60)
    trained("fewer", LOW, 200, data="shapes_vsr_only", reward="no_count")
    (table, *_) = table3(evidence_of_sources([str(tmp_path)])).tables
    assert labels(table)[-1] == "difference"
    (note,) = [note for note in table.notes if "differ in" in note]
    assert note.startswith("The rows of tiny_qwen differ in trainer.max_steps: 60 of GRIT")
    assert "200 of GRIT (" in note


def test_controls_beside_table3_cost_it_no_difference(trained: MakeRun, tmp_path: Path) -> None:
    trained("full", HIGH, 60)
    trained("random", LOW, 60, reward="random")
    trained("fewer", LOW, 60, data="shapes_vsr_only", reward="no_count")
    (table, *_) = table3(evidence_of_sources([str(tmp_path)])).tables
    (row,) = [r for section in table.sections for r in section.rows if r.label == "difference"]
    assert [cell.text for cell in row.cells][2] == "+25.0 [25.0, 25.0]"
    trained("longer", HIGH, 200)
    (table, *_) = table3(evidence_of_sources([str(tmp_path)])).tables
    assert "difference" not in labels(table)
    assert "no difference, because 2 rows are “GRIT” of other settings" in " ".join(table.notes)


def test_the_leaderboard_says_where_data_and_steps_differ(trained: MakeRun, tmp_path: Path) -> None:
    trained("grit", HIGH, 60)
    trained("other", LOW, 200, reward="random", data="shapes_500")
    (table, *_) = methods(evidence_of_sources([str(tmp_path)])).tables
    differing = [note for note in table.notes if "differ in" in note]
    assert [note.split(" differ in ")[1].partition(":")[0] for note in differing] == [
        "data.name",
        "trainer.max_steps",
    ]
