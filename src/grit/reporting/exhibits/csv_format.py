"""Tables as CSV: one line a cell, for programs."""

import csv
import io
from collections.abc import Iterator, Sequence

from grit.reporting.exhibits.table import Table

FIELDS = (
    *("table", "section", "row", "source", "group", "column"),
    *("mean", "low", "high", "runs", "bold", "text"),
)


def csv_text(tables: Sequence[Table]) -> str:
    """Every cell of every table; numbers at full precision, empty where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FIELDS)
    for table in tables:
        writer.writerows(_cells(table))
    return stream.getvalue()


def _cells(table: Table) -> Iterator[list[object]]:
    for section in table.sections:
        for row in section.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                mean = ["", "", "", ""] if cell.mean is None else list(cell.mean)
                source = "paper" if row.paper else "ours"
                place = [table.title, section.title, row.label, source, column.group, column.name]
                yield [*place, *mean, int(cell.bold), cell.text]
