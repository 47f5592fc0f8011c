import json
import re
from pathlib import Path

import pytest

from grit.evaluation.attention import COMPARED, AttentionCurve, AttentionStudy
from grit.evaluation.attention_prefixes import PREFIXES
from grit.evaluation.bootstrap import Estimate
from grit.reporting.figure5 import AttendingRun, Figure5, to_markdown, write_figure5
from grit.reporting.figure_runs import RunName, Unfinished


def run(level: float, seed: int = 0, n: tuple[int, ...] = (20, 10, 1)) -> AttendingRun:
    interval = Estimate(level, level / 2, level * 2, 20)
    curve = AttentionCurve((level, level * 2, level * 3), n, interval)
    differences = dict.fromkeys(COMPARED, Estimate(0.001, 0.0005, 0.002, 20))
    name = RunName(f"runs/{seed}", "tiny_qwen", "shapes", "grit", seed, "abc")
    return AttendingRun(name, 300, AttentionStudy(20, dict.fromkeys(PREFIXES, curve), differences))


def figure(*runs: AttendingRun) -> Figure5:
    return Figure5("gqa", 20, 3, runs, [Unfinished("runs/9", "interrupted")])


def test_curves_of_several_runs_are_weighted_by_their_samples(tmp_path: Path) -> None:
    write_figure5(figure(run(0.001), run(0.004, 1, (10, 0, 0))), tmp_path)
    found = json.loads((tmp_path / "figure5.json").read_text())
    assert found["levels"][0]["boxes"]["mean"] == pytest.approx(0.0025)
    assert found["levels"][0]["boxes"]["n"] == 2
    assert found["runs"][1]["curves"]["no_boxes"]["n"] == [10, 0, 0]
    svg = (tmp_path / "figure5.svg").read_text()
    assert svg.count("<path") == 3
    # Thousandths: 2 at the first token, 2 at the second, and too few samples at the third.
    path = next(line for line in svg.splitlines() if "<path" in line)
    places = re.findall(r"[ML]([\d.]+) ([\d.]+)", path.partition("/>")[0])
    assert len(places) == 2
    assert places[0][1] == places[1][1]


def test_the_table_is_in_thousandths_and_names_what_is_missing() -> None:
    text = to_markdown(figure(run(0.002)))
    assert "| tiny_qwen | grit | 1 | 20 | 2.000 [1.000, 4.000] |" in text
    assert "| 1.000 [0.500, 2.000] | 1.000 [0.500, 2.000] |" in text
    assert "runs/9: no part of the figure: interrupted" in text
