from pathlib import Path

from grit.pages.grids import runs_markdown
from grit.runs.finished import find_runs


def test_every_run_has_a_row_with_its_intervals(finished_run, tmp_path: Path) -> None:
    measured = finished_run(tmp_path / "a", wrong=[1])
    finished_run(tmp_path / "b", wrong=[])
    results = [run.results for run in find_runs([tmp_path])]
    tables = runs_markdown(results, ["grit | seed 0", "seed 1"])
    assert list(tables) == ["ACC of every run", "GIoU of every run", "Format of every run"]
    found = measured.results.sets["vsr"].metrics["acc"]
    assert tables["ACC of every run"].splitlines() == [
        "| Run | vsr |",
        "| --- | ---: |",
        f"| grit \\| seed 0 | 83.3 [{found.low:.1f}, {found.high:.1f}] |",
        "| seed 1 | 100.0 [100.0, 100.0] |",
    ]
