"""A table before it is written: columns, sections of rows, cells with the numbers behind them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

MISSING = "missing"
NOTHING = "–"


class Mean(NamedTuple):
    """A mean and its 95% interval: over questions, and over runs where there are several."""

    mean: float
    low: float | None
    high: float | None
    runs: int  # 0: a number of the paper


class Column(NamedTuple):
    """A column; neighbours of one group share a heading. Words stand at the left."""

    group: str
    name: str
    digits: int = 1
    words: bool = False


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the number behind it."""

    text: str
    mean: Mean | None = None
    bold: bool = False
    warning: bool = False  # red where there are colours


@dataclass(frozen=True)
class Row:
    """A line of cells; the paper's own are told apart from ours."""

    label: str
    cells: tuple[Cell, ...]
    paper: bool = False


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """Sections over the same columns."""

    title: str
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    corner: str = ""  # the heading of the labels
    aside: bool = False  # it stands beside what the exhibit has to say, as controls do

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Headings over neighbouring columns, with how many they span; [] where there is none."""
        if not any(column.group for column in self.columns):
            return []
        grouped = groupby(self.columns, key=lambda column: column.group)
        return [(group, len(list(columns))) for group, columns in grouped]


def bracketed(
    value: tuple[float | None, ...] | None, digits: int, *, signed: bool = False, runs: int = 1
) -> Cell:
    """A mean of ``runs`` runs with the ends of its interval, which need not be in its middle.

    Args:
        value: mean, low, high, as a ``Mean`` or an ``Estimate``.
        digits: decimals.
        signed: whether a positive mean has its sign.
        runs: how many the mean is of.
    """
    mean, low, high = (None, None, None) if value is None else value[:3]
    if mean is None:
        return Cell(NOTHING)
    text = number(mean, digits, signed=signed)
    if low is not None and high is not None:
        text += f" [{number(low, digits)}, {number(high, digits)}]"
    return Cell(text, Mean(mean, low, high, runs))


def single(value: float | None, digits: int, *, runs: int = 1) -> Cell:
    """A number without an interval; the paper's are of 0 runs."""
    return bracketed((value, None, None), digits, runs=runs)


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """With a true minus sign, and none before a zero."""
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def best_in_bold(rows: Iterable[Row], columns: tuple[Column, ...]) -> list[Row]:
    """The largest numbers of each column in bold, as far as the digits shown tell them apart.

    The paper's rows have a best of their own.
    """
    rows = list(rows)
    for paper in (False, True):
        among = [at for at, row in enumerate(rows) if row.paper is paper]
        for place, column in enumerate(columns):
            means = {at: mean for at in among if (mean := rows[at].cells[place].mean) is not None}
            if len(means) < 2:
                continue
            shown = {at: round(mean.mean, column.digits) for at, mean in means.items()}
            for at in [at for at, value in shown.items() if value == max(shown.values())]:
                rows[at] = _in_bold(rows[at], place)
    return rows


def _in_bold(row: Row, place: int) -> Row:
    cells = list(row.cells)
    cells[place] = replace(cells[place], bold=True)
    return replace(row, cells=tuple(cells))
