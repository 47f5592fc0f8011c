"""Faithfulness as an exhibit: from its record to tables and a chart."""

import json
from dataclasses import replace
from pathlib import Path

from grit.evaluation.bootstrap import Estimate
from grit.paper.building import build
from grit.paper.evidence import evidence_of_sources
from grit.runs.judging import BY_RULES
from grit.studies.changed_pictures import CONDITIONS, MASKED
from grit.studies.faithfulness_figure import (
    FAITHFULNESS,
    METHODS,
    FaithfulnessFigure,
    FaithfulRun,
)
from grit.studies.faithfulness_study import WAYS, Faithfulness, Survival
from grit.studies.figure_runs import RunName, Unfinished

GONE = Unfinished("runs/9", "interrupted", "tiny_qwen", "shapes", "sft", 2)


def survival(kept: float, n: int) -> Survival:
    acc = {name: Estimate(kept - 10 * at, 5.0, 95.0, n) for at, name in enumerate(CONDITIONS)}
    fall = {name: Estimate(10.0 * at, -1.0, 30.0, n) for at, name in enumerate(MASKED, start=1)}
    return Survival(acc, fall, Estimate(-10.0, -30.0, 10.0, n))


def faithful_run(kept: float, seed: int = 0, method: str = "grit", suite: str = "shapes"):
    ways = {way: survival(kept, 20 - 5 * at) for at, way in enumerate(WAYS)}
    found = Faithfulness(20, 1, 2, 300, 0, ways)
    name = RunName(f"runs/{seed}", "tiny_qwen", "shapes", method, seed, "abc", suite=suite)
    return FaithfulRun(name, 40, 30, {"vsr": found}, found)


def figure(*runs: FaithfulRun) -> FaithfulnessFigure:
    shown = {"runs": list(runs), "unfinished": [GONE], "expected": list(METHODS)}
    return FaithfulnessFigure("rules", "grey", 50, 3, 0, **shown)


def test_the_record_holds_the_whole_figure(tmp_path: Path) -> None:
    both = figure(faithful_run(80.0), faithful_run(90.0, 1))
    path = FAITHFULNESS.write(both, tmp_path)
    assert FAITHFULNESS.read(path) == both
    record = json.loads(path.read_text())
    (run, _) = record["runs"]
    assert run["sets"]["vsr"]["n"] == run["overall"]["n"] == 20
    for way in WAYS:
        row = run["overall"][way]
        assert set(row) == {*CONDITIONS, "fall", "fall_beyond_control"}
        assert set(row["fall"]) == set(MASKED)
        assert set(row["answer_kept"]) == {"mean", "low", "high", "n"}
    group = record["groups"][0]
    assert (group["method"], group["runs"]) == ("grit", 2)
    assert group["question"]["answer_kept"]["mean"] == 85.0


def test_tables_and_charts_have_both_ways(tmp_path: Path) -> None:
    FAITHFULNESS.write(figure(faithful_run(80.0)), tmp_path / "measured")
    paths = build("faithfulness", evidence_of_sources([str(tmp_path / "measured")]), tmp_path)
    endings = {"md", "tex", "csv", "html", "svg", "png"}
    assert {path.name for path in paths} == {f"faithfulness.{ending}" for ending in endings}
    text = (tmp_path / "faithfulness.md").read_text(encoding="utf-8")
    assert "## From the question alone; judge=rules" in text
    assert "## With the chain kept up to \\<rethink\\>; judge=rules" in text
    assert "| GRIT | 20 | 20 | 80.0 [5.0, 95.0] | 70.0 [5.0, 95.0] |" in text
    assert "| GRIT | 15 | 15 | 80.0 [5.0, 95.0] |" in text
    assert "| +10.0 [−1.0, 30.0] |" in text
    assert "| Few-shot fine-tuning | missing |" in text
    assert "no part of the figure: interrupted" in text
    assert "Questions whose chain points at nothing, so that their picture stays: 1." in text
    assert "strict text rule" not in text
    svg = (tmp_path / "faithfulness.svg").read_text(encoding="utf-8")
    assert "from the question alone" in svg
    assert "as much else gone" in svg


def test_photographs_judged_by_rules_say_so() -> None:
    shown = FAITHFULNESS.exhibit([(Path(), figure(faithful_run(80.0, suite="paper")))])
    assert len(shown.tables) == 3
    for table in shown.tables:
        assert table.notes[0] == BY_RULES
        assert table.notes.count(BY_RULES) == 1
    asked = replace(figure(faithful_run(80.0, suite="paper")), judge="openai (gpt-4o)")
    shown = FAITHFULNESS.exhibit([(Path(), asked)])
    assert not any(BY_RULES in table.notes for table in shown.tables)


def test_controls_that_overlap_the_chains_boxes_are_named(tmp_path: Path) -> None:
    def overlapping(share: float | None) -> FaithfulnessFigure:
        run = faithful_run(80.0)
        return figure(replace(run, overall=replace(run.overall, control_overlap=share)))

    path = FAITHFULNESS.write(overlapping(0.31), tmp_path)
    assert json.loads(path.read_text())["runs"][0]["overall"]["control_overlap"] == 0.31
    assert FAITHFULNESS.read(path) == overlapping(0.31)
    for share, named in ((0.31, True), (0.01, False), (None, False)):
        shown = FAITHFULNESS.exhibit([(Path(), overlapping(share))])
        assert any("31% of a control's pixels" in n for n in shown.tables[0].notes) == named


def test_without_runs_all_is_missing(tmp_path: Path) -> None:
    record = json.loads(FAITHFULNESS.write(figure(), tmp_path).read_text())
    assert {row["method"] for row in record["groups"]} == set(METHODS)
    assert record["groups"][0]["chain"]["answer_kept"]["mean"] is None
    assert "missing" in FAITHFULNESS.svg(figure())
