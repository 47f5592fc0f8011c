"""Figures 4 and 5 as exhibits: from their records to every format."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.paper.building import build
from grit.paper.evidence import evidence_of_sources
from grit.studies import figure4, figure5
from grit.studies.attention_prefixes import PREFIXES
from grit.studies.attention_study import COMPARED, AttentionCurve, AttentionStudy
from grit.studies.correlation_study import Correlation
from grit.studies.figure4 import FIGURE4, CorrelatedRun, Figure4
from grit.studies.figure5 import FIGURE5, AttendingRun, Figure5
from grit.studies.figure_runs import RunName, Unfinished

FAILED = Unfinished("refused", "no memory", "tiny_qwen", "shapes", "sft", 3)
ENDINGS = {"md", "tex", "csv", "html", "svg", "png"}


def correlated(method: str, mean: float, seed: int = 0) -> CorrelatedRun:
    interval = Estimate(mean, mean - 0.1, mean + 0.05, 10)
    found = Correlation((mean, mean), mean, 0.02, interval, {"vsr": interval}, 5, 1)
    name = RunName(f"runs/{method}{seed}", "tiny_qwen", "shapes", method, seed, "abc")
    return CorrelatedRun(name, 20, 15, 10, {"random": found, "same_sizes": found})


def attending(level: float) -> AttendingRun:
    curve = AttentionCurve((level, None), (20, 0), Estimate(level, level / 2, level * 2, 20))
    differences = dict.fromkeys(COMPARED, Estimate(-0.001, -0.002, 0.0005, 20))
    name = RunName("runs/0", "tiny_qwen", "shapes", "grit", 0, "abc")
    return AttendingRun(name, 300, AttentionStudy(20, dict.fromkeys(PREFIXES, curve), differences))


FOUR = Figure4(
    "openai (gpt-4o)",
    2,
    10,
    0,
    runs=[correlated("icl", 0.6), correlated("grit", 0.7), correlated("grit", 0.9, 1)],
    unfinished=[FAILED],
    expected=figure4.METHODS,
)
FIVE = Figure5("gqa", 20, 2, runs=[attending(0.002)], expected=figure5.METHODS)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    FIGURE4.write(FOUR, tmp_path / "measured" / "figure4")
    FIGURE5.write(FIVE, tmp_path / "measured" / "figure5")
    return tmp_path / "measured"


@pytest.mark.parametrize("name", ["figure4", "figure5"])
def test_records_give_every_format(records: Path, tmp_path: Path, name: str) -> None:
    evidence = evidence_of_sources([str(records)])
    paths = build(name, evidence, tmp_path / "out")
    assert {path.name for path in paths} == {f"{name}.{ending}" for ending in ENDINGS}
    assert set((tmp_path / "out").iterdir()) == set(paths)  # no record, which would count twice
    text = (tmp_path / "out" / f"{name}.md").read_text()
    assert f"]({name}.svg)" in text
    assert "<svg" in (tmp_path / "out" / f"{name}.html").read_text()
    first = {path: path.read_bytes() for path in paths}
    build(name, evidence, tmp_path / "out")
    assert {path: path.read_bytes() for path in paths} == first


def markdown(name: str, source: Path, out: Path) -> str:
    build(name, evidence_of_sources([str(source)]), out)
    return (out / f"{name}.md").read_text(encoding="utf-8")


def test_figure_4_says_who_judged_and_what_is_missing(records: Path, tmp_path: Path) -> None:
    text = markdown("figure4", records, tmp_path / "out")
    assert "## judge=openai (gpt-4o)" in text
    assert "| One-shot ICL | 75% | 10 | 0.600 [0.500, 0.650] |" in text
    assert "| 0.020 | 25% |" in text
    assert "| GRIT, 2 seeds | 75% | 20 | 0.800 " in text
    assert "| Few-shot fine-tuning | missing | missing |" in text
    assert (
        "tiny\\_qwen, Few-shot fine-tuning, data=shapes, seed 3: no part of the figure: no memory"
        in text
    )
    assert "The judge failed 6 times" in text
    assert "Written from annotations" not in text
    rows = list(csv.DictReader((tmp_path / "out" / "figure4.csv").read_text().splitlines()))
    cell = next(
        row for row in rows if row["column"] == "against random boxes" and "ICL" in row["row"]
    )
    assert [float(cell[key]) for key in ("mean", "low", "high")] == [0.6, 0.5, 0.65]


def test_figure_5_is_in_thousandths(records: Path, tmp_path: Path) -> None:
    text = markdown("figure5", records, tmp_path / "out")
    assert text.startswith("# Figure 5: attention on the image after \\<rethink\\>\n")
    assert "| GRIT | 20 | 2.000 [1.000, 4.000] |" in text
    assert "| −1.000 [−2.000, 0.500] | −1.000 [−2.000, 0.500] |" in text


def test_methods_that_were_never_started_say_so(tmp_path: Path) -> None:
    FIGURE4.write(replace(FOUR, unfinished=[]), tmp_path / "one")
    text = markdown("figure4", tmp_path / "one", tmp_path / "out")
    assert "| Few-shot fine-tuning | missing |" in text
    assert "tiny\\_qwen, Few-shot fine-tuning, data=shapes: no run was there" in text


def test_records_of_different_judges_stay_apart(records: Path, tmp_path: Path) -> None:
    FIGURE4.write(replace(FOUR, judge="rules", runs=FOUR.runs[:1]), records / "again")
    text = markdown("figure4", records, tmp_path / "out")
    assert text.count("| GRIT, 2 seeds |") == 2  # over all sets, and each set
    assert f"## judge=rules; .../{records.name}/again\n".replace("_", "\\_") in text
    assert "(figure4-2.svg)" in text
    twice = evidence_of_sources([str(records), str(records / "again")])
    assert len(twice.figures) == 3


def test_without_a_record_all_is_missing(run: Callable[..., Path], tmp_path: Path) -> None:
    run("a", model="tiny_internvl")
    text = markdown("figure4", tmp_path, tmp_path / "out")
    assert "tiny\\_internvl" in text
    assert sum("| missing |" in line for line in text.splitlines()) == 3
    assert "no figure4.json was found" in text
    assert not (tmp_path / "out" / "figure4.svg").exists()
    FIGURE4.write(FOUR, tmp_path / "old")
    path = tmp_path / "old" / "figure4.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 0'))
    text = markdown("figure4", tmp_path, tmp_path / "out")
    assert "left out: " in text
    assert "found 0" in text
