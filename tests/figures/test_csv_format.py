"""CSV that opens in a spreadsheet: names from elsewhere are text there, and never formulas."""

import csv
import io

import pytest

from grit.figures.csv_format import csv_text
from grit.figures.table import Cell, Column, Mean, Row, Section, Table

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")')
NUMBERS = ("-2.8", "+2.8", "-2.8 ± 0.5", "-1e-5", "-.5", "-12 [-15, -9]", "−2.8")
PLACES = ("title", "section", "label", "group", "column", "cell", "note")


def cells(text: str, place: str) -> list[str]:
    """The cells of a table with ``text`` in one place."""
    words = dict.fromkeys(PLACES, "plain")
    words[place] = text
    column = Column(words["group"], words["column"])
    row = Row(words["label"], (Cell(words["cell"], Mean(-2.8, -3.5, -2.0, 3)),))
    notes = (words["note"],)
    table = Table(words["title"], (column,), (Section(words["section"], (row,)),), notes)
    written = csv_text([table])
    return list(csv.reader(io.StringIO(written, newline="")))[1]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", FORMULAS)
def test_no_name_is_a_formula(text: str, place: str) -> None:
    found = cells(text, place)
    assert len(found) == 13
    assert "'" + text.strip() in found
    assert not any(cell.startswith(tuple("=+@\t\r\n")) for cell in found)


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_stay_numbers(text: str) -> None:
    found = cells(text, "cell")
    assert text in found
    assert "-2.8" in found
