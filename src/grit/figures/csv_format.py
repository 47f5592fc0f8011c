"""Tables as CSV: one line a cell, for programs."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from grit.figures.table import Table

FIELDS = (
    *("table", "section", "row", "source", "group", "column"),
    *("mean", "low", "high", "runs", "bold", "text", "notes"),
)

_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet computes
_NUMBER = r"[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?: ± {_NUMBER}| \[{_NUMBER}, {_NUMBER}\])?")


def csv_text(tables: Sequence[Table]) -> str:
    """Every cell of every table; numbers at full precision, empty where there is none.

    Names come from runs of anywhere: one that a spreadsheet would compute has an apostrophe before
    it, which makes it text there.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FIELDS)
    for table in tables:
        writer.writerows(_cells(table))
    return stream.getvalue()


def _cells(table: Table) -> Iterator[list[object]]:
    notes = _inert(" ".join(table.notes))  # who judged is part of what a number says
    for section in table.sections:
        for row in section.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                mean = ["", "", "", ""] if cell.mean is None else list(cell.mean)
                source = "paper" if row.paper else "ours"
                place = [table.title, section.title, row.label, source, column.group, column.name]
                yield [*map(_inert, place), *mean, int(cell.bold), _inert(cell.text), notes]


def _inert(text: str) -> str:
    if any(mark in text for mark in "\t\r\n"):  # skipped before a formula, or the end of a row
        text = " ".join(text.split())
    computed = text.startswith(_FORMULA) and not _NUMBERS.fullmatch(text)
    return f"'{text}" if computed else text
