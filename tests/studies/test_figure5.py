import json
import re
from pathlib import Path

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.studies.attention_prefixes import PREFIXES
from grit.studies.attention_study import COMPARED, AttentionCurve, AttentionStudy
from grit.studies.figure5 import (
    FIGURE5,
    METHODS,
    AttendingRun,
    Figure5,
)
from grit.studies.figure_runs import RunName, Unfinished


def run(level: float, seed: int = 0, n: tuple[int, ...] = (20, 10, 1)) -> AttendingRun:
    interval = Estimate(level, level / 2, level * 2, 20)
    curve = AttentionCurve((level, level * 2, level * 3), n, interval)
    differences = dict.fromkeys(COMPARED, Estimate(0.001, 0.0005, 0.002, 20))
    name = RunName(f"runs/{seed}", "tiny_qwen", "shapes", "grit", seed, "abc")
    return AttendingRun(name, 300, AttentionStudy(20, dict.fromkeys(PREFIXES, curve), differences))


def figure(*runs: AttendingRun) -> Figure5:
    gone = Unfinished("runs/9", "interrupted", "tiny_internvl", "shapes", "grit", 2)
    return Figure5(*("gqa", 20, 3), runs=list(runs), unfinished=[gone], expected=list(METHODS))


def test_curves_of_several_runs_are_weighted_by_their_samples(tmp_path: Path) -> None:
    both = Figure5("gqa", 20, 3, runs=[run(0.001), run(0.004, 1, (10, 0, 0))])
    found = json.loads(FIGURE5.write(both, tmp_path).read_text())
    assert found["levels"][0]["boxes"]["mean"] == pytest.approx(0.0025)
    assert found["levels"][0]["boxes"]["n"] == 2
    assert found["runs"][1]["curves"]["no_boxes"]["n"] == [10, 0, 0]
    svg = FIGURE5.svg(both)
    assert svg.count("<path") == 3
    # Thousandths: 2 at the first token, 2 at the second, and too few samples at the third.
    path = next(line for line in svg.splitlines() if "<path" in line)
    places = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.partition("/>")[0])
    assert len(places) == 2
    assert places[0][1] == places[1][1]


def test_the_record_holds_the_whole_figure(tmp_path: Path) -> None:
    both = figure(run(0.001), run(0.004, 1, (10, 0, 0)))
    assert FIGURE5.read(FIGURE5.write(both, tmp_path)) == both


def test_a_model_without_a_run_has_a_panel_that_says_so(tmp_path: Path) -> None:
    svg = FIGURE5.svg(figure(run(0.002)))
    assert "tiny_internvl, shapes, grit: missing" in svg
    assert svg.count("missing") == 1
    found = json.loads(FIGURE5.write(figure(), tmp_path).read_text())
    assert [(one["model"], one["runs"]) for one in found["levels"]] == [("tiny_internvl", 0)]
    assert found["levels"][0]["boxes"]["mean"] is None
