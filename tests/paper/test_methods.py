"""The leaderboard: rows by what they have that GRIT has not, differences with Holm's correction."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from grit.core.errors import GritError
from grit.figures.markdown_format import markdown_text
from grit.figures.table import Row, Table
from grit.paper.building import build
from grit.paper.evidence import Evidence, evidence_of_sources
from grit.paper.methods import arm_of, methods
from grit.paper.wandb_runs import LoggedRun

MakeRun = Callable[..., Path]
QUESTIONS = 60


def scores(level: float, seed: int) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    return {
        name: [float(generator.random() < level) for _ in range(QUESTIONS)]
        for name in ("vsr", "tallyqa", "gqa", "mathvista")
    }


def with_objective(folder: Path, name: str) -> None:
    training = {"objective": {"name": name}}
    (folder / "config.yaml").write_text(yaml.safe_dump({"training": training}))


@pytest.fixture
def evidence(run: MakeRun, tmp_path: Path) -> Evidence:
    """Two seeds each of GRIT, another reward, another objective and Chain-of-Thought."""
    for seed in range(2):
        grit = run(f"grit{seed}", scores(0.5, seed), seed=seed, annotation="answers")
        with_objective(grit, "grpo_gr")
        run(
            f"boxes{seed}", scores(0.9, 10 + seed), seed=seed,
            reward="treevgr", settings_hash="boxes", annotation="answers+boxes",
        )  # fmt: skip
        folder = run(f"dapo{seed}", scores(0.5, seed), seed=seed, settings_hash="dapo")
        with_objective(folder, "dapo")
        steps = [{"step": i, "train/completion_tokens": 40.0 + i} for i in range(8)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(s) + "\n" for s in steps))
    run("cot", scores(0.3, 30), method="cot", reward="", settings_hash="cot", annotation=None)
    return evidence_of_sources([str(tmp_path / "runs")])


def rows(table: Table) -> dict[str, Row]:
    return {row.label: row for section in table.sections for row in section.rows}


def test_rows_are_named_by_what_differs_from_grit(evidence: Evidence) -> None:
    leaderboard, differences = methods(evidence).tables
    assert list(rows(leaderboard)) == [
        "GRIT, 2 seeds",
        "GRIT, reward=treevgr, 2 seeds",
        "GRIT, objective=dapo, 2 seeds",
        "Chain-of-Thought",
    ]
    assert list(rows(differences)) == [
        "GRIT, reward=treevgr − GRIT",
        "GRIT, objective=dapo − GRIT",
        "Chain-of-Thought − GRIT",
    ]


def test_a_row_has_its_annotation_and_the_length_of_its_chains(evidence: Evidence) -> None:
    leaderboard = rows(methods(evidence).tables[0])
    names = [column.name for column in methods(evidence).tables[0].columns]
    annotation, tokens = names.index("Annotation"), names.index("Tokens")
    texts = {label: [cell.text for cell in row.cells] for label, row in leaderboard.items()}
    assert texts["GRIT, reward=treevgr, 2 seeds"][annotation] == "answers+boxes"
    assert texts["GRIT, 2 seeds"][annotation] == "answers"
    assert texts["Chain-of-Thought"][annotation] == "–"
    assert texts["GRIT, objective=dapo, 2 seeds"][tokens] == "45"  # of the last five steps
    assert texts["GRIT, 2 seeds"][tokens] == "–"
    # A note would say it again, by names that tell rows apart by all their settings.
    assert not any("annotated boxes as well" in note for note in methods(evidence).tables[0].notes)


def test_equal_answers_do_not_differ_and_p_values_are_corrected(evidence: Evidence) -> None:
    differences = rows(methods(evidence).tables[1])
    same = differences["GRIT, objective=dapo − GRIT"].cells
    assert same[1].text == "1.000"
    assert not same[0].bold
    better = differences["GRIT, reward=treevgr − GRIT"].cells
    assert better[0].mean is not None
    assert better[0].mean.mean > 20


def test_two_rows_of_grit_have_no_differences_and_say_why(
    evidence: Evidence, run: MakeRun, tmp_path: Path
) -> None:
    run("longer", scores(0.5, 3), settings_hash="longer")
    found = methods(evidence_of_sources([str(tmp_path / "runs")])).tables
    assert [table.title for table in found if "Differences" in table.title] == []
    (note,) = [note for note in found[0].notes if "no differences" in note]
    assert "2 rows are GRIT of other data or settings" in note
    labels = [label for label in rows(found[0]) if "settings" in label]
    assert labels
    assert all(label.startswith("GRIT (") for label in labels), labels


def test_faithfulness_comes_from_the_experiments_own_record(
    evidence: Evidence, tmp_path: Path
) -> None:
    fall = {"mean": 12.5, "low": 2.0, "high": 23.0, "n": 50}
    overall = {"question": {"fall_beyond_control": fall}}
    # The study names runs by their whole paths, from wherever the command was started.
    record = {"runs": [{"folder": "elsewhere/runs/cot", "overall": overall}]}
    folder = tmp_path / "runs" / "faithfulness"
    folder.mkdir()
    (folder / "faithfulness.json").write_text(json.dumps(record))
    leaderboard = methods(evidence).tables[0]
    place = [column.name for column in leaderboard.columns].index("Faithfulness")
    assert rows(leaderboard)["Chain-of-Thought"].cells[place].text.startswith("12.5 ± 10.5")
    assert rows(leaderboard)["GRIT, 2 seeds"].cells[place].text == "–"


@pytest.mark.parametrize("damaged", ["{", "[]", '{"runs": [{}]}'])
def test_a_damaged_record_of_faithfulness_is_one_line(
    evidence: Evidence, tmp_path: Path, damaged: str
) -> None:
    folder = tmp_path / "runs" / "faithfulness"
    folder.mkdir()
    (folder / "faithfulness.json").write_text(damaged)
    with pytest.raises(GritError, match=r"faithfulness\.json: is not as this version writes it"):
        methods(evidence)


def test_a_run_of_wandb_is_named_by_its_objective(evidence: Evidence) -> None:
    (found,) = [run for run in evidence.runs if run.results.settings_hash == "dapo"][:1]
    config = {"training": {"objective": {"name": "dapo"}}}
    assert arm_of(LoggedRun("far", found.results, config)) == "GRIT, objective=dapo"


def test_minutes_leave_out_what_was_resumed_since_it_lay_idle(
    evidence: Evidence, tmp_path: Path
) -> None:
    def minutes() -> dict[str, str]:
        leaderboard = methods(evidence).tables[0]
        place = [column.name for column in leaderboard.columns].index("Minutes")
        return {label: row.cells[place].text for label, row in rows(leaderboard).items()}

    ends = {"grit0": ("08:03", False), "grit1": ("23:00", True), "cot": ("23:00", True)}
    for name, (end, resumed) in ends.items():
        record = {"started": "2026-01-01T08:00:00", "finished": f"2026-01-01T{end}:00"}
        path = tmp_path / "runs" / name / "run.json"
        path.write_text(json.dumps(record | {"resumed": resumed}))
    assert minutes()["GRIT, 2 seeds"] == "3.0"
    assert minutes()["Chain-of-Thought"] == "–"
    assert any(
        "stopped and resumed are left out" in note for note in methods(evidence).tables[0].notes
    )


def test_bars_have_names_where_rows_have_several_draws(run: MakeRun, tmp_path: Path) -> None:
    for draw in range(2):
        for name in ("grpo_gr", "treevgr"):
            settings = {"settings_hash": name, "data_seed": draw, "triplets_hash": f"drawn{draw}"}
            run(f"{name}{draw}", scores(0.5, draw), reward=name, **settings)
    exhibit = methods(evidence_of_sources([str(tmp_path / "runs")]))
    assert "GRIT, 2 draws, 1 seed each" in rows(exhibit.tables[0])
    (panel,) = exhibit.charts[0].panels
    assert panel.groups == ("GRIT", "treevgr")


def test_all_formats_are_written(evidence: Evidence, tmp_path: Path) -> None:
    written = {path.name for path in build("methods", evidence, tmp_path / "made")}
    assert {"methods.md", "methods.html", "methods.svg", "methods.csv", "methods.tex"} <= written
    exhibit = methods(evidence)
    assert "p (Holm)" in markdown_text(exhibit.title, exhibit.shown, [])
    (panel,) = exhibit.charts[0].panels
    assert panel.groups == ("GRIT", "treevgr", "dapo", "Chain-of-Thought")
