"""A table before it has a format: what is in its cells, and what must be said below it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from grit.evaluation.over_runs import Bounds
from grit.paper.seeds import Mean

MISSING = "missing"
NOTHING = "–"
_SYMMETRIC = 0.1  # of half an interval: how far its middle may be from the mean


class Column(NamedTuple):
    """A column; neighbours of one group share a heading."""

    group: str
    name: str
    digits: int = 1


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the number behind it."""

    text: str
    mean: Mean | None = None
    bold: bool = False


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


def measured(mean: Mean | None, digits: int, bounds: Bounds) -> Cell:
    """A mean with half its interval, or the mark of a number that does not exist.

    With the ends of the interval instead where half of it would say something else: where one side
    is much longer than the other, or where half of it reaches beyond what the number can be.
    """
    if mean is None:
        return Cell(NOTHING)
    if mean.low is None or mean.high is None:
        return Cell(number(mean.mean, digits), mean)
    half, middle = (mean.high - mean.low) / 2, (mean.high + mean.low) / 2
    reached = [round(end, digits) for end in (mean.mean - half, mean.mean + half)]
    is_real = all(bounds.within(end) == end for end in reached)
    if is_real and abs(middle - mean.mean) <= _SYMMETRIC * half:
        return Cell(f"{number(mean.mean, digits)} ± {number(half, digits)}", mean)
    return bracketed(mean, digits)


def bracketed(mean: Mean | None, digits: int) -> Cell:
    """A mean with the ends of its interval, which need not be in its middle."""
    if mean is None:
        return Cell(NOTHING)
    text = number(mean.mean, digits)
    if mean.low is not None and mean.high is not None:
        text += f" [{number(mean.low, digits)}, {number(mean.high, digits)}]"
    return Cell(text, mean)


def printed(value: float | None, digits: int) -> Cell:
    """A number of the paper, which has no interval."""
    if value is None:
        return Cell(NOTHING)
    return Cell(number(value, digits), Mean(value, None, None, 0))


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
