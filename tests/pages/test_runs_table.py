"""The table that a multirun ends in."""

import io

from finished_runs import write_run
from rich.console import Console

from grit.pages.finished_runs import print_runs, runs_table
from grit.runs.finished import find_runs


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
