"""The table that a multirun ends in."""

import io

import pytest
from finished_runs import drawn_rows, results_of, write_run
from rich.console import Console

from grit.pages.finished_runs import print_runs, runs_table
from grit.runs.finished import find_runs
from grit.runs.results import write_results


def test_each_run_has_a_row_by_what_sets_it_apart(tmp_path):
    write_run(tmp_path / "a", method="grit", wrong=(1,))
    write_run(tmp_path / "b", method="cot", wrong=(1, 2, 3))
    table = runs_table(find_runs([tmp_path]))
    rows = {row.label: [cell.text for cell in row.cells] for row in table.sections[0].rows}
    assert sorted(rows) == ["cot", "grit"]
    names = [column.name for column in table.columns]
    assert names == ["sets", "ACC", "GIoU", "Format"]
    assert rows["grit"][:2] == ["1", "83.3"]
    assert rows["cot"][:2] == ["1", "50.0"]
    stream = io.StringIO()
    print_runs(find_runs([tmp_path]), Console(file=stream, width=80))
    assert "task=report" in stream.getvalue()


@pytest.mark.parametrize("mended", [True, False])
def test_sets_of_which_runs_were_asked_other_questions_are_noted(tmp_path, mended):
    """Rows were mended before a multirun was gone on with."""
    rows = drawn_rows(wrong=(1,)) | {"vsr again": drawn_rows()["vsr"]}
    for folder, seed in (("a", 0), ("b", 1)):
        write_run(tmp_path / folder, seed=seed)
        write_results(tmp_path / folder / "results.json", results_of(rows, seed=seed))
        if mended:
            rows |= {"vsr": rows["vsr"][1:]}
    runs = find_runs([tmp_path])
    said = "Not all runs were asked the same questions of vsr: their means do not compare."
    assert runs_table(runs).notes == ((said,) if mended else ())
    stream = io.StringIO()
    print_runs(runs, Console(file=stream, width=80))
    assert (said in " ".join(stream.getvalue().split())) is mended
