"""What a run came to: each metric of each set before and after, and the difference."""

from collections.abc import Iterator

from grit.evaluation.bootstrap import Estimate
from grit.figures.table import Cell, Column, Row, Section, Table, bracketed, single
from grit.pages.summary import Line, result_lines
from grit.runs.measured import Measured


def outcome_table(before: Measured | None, after: Measured, *, intervals: bool = False) -> Table:
    """A row for each metric of each set.

    The difference is that of the same questions, with its 95% interval.

    Args:
        before: the evaluation before training; None: there is one column alone.
        after: the evaluation that counts. Of sets without rows in both there is no difference.
        intervals: of the means too, not of the difference alone.
    """
    names = ["after"] if before is None else ["before", "after", "difference"]
    columns = (Column("", "n"), *(Column("", name) for name in names))
    lines = result_lines(before, after, {})
    rows = tuple(row for line in lines for row in _rows(line, before is not None, intervals))
    return Table("", columns, (Section("", rows),), corner="Set and metric")


def _rows(line: Line, both: bool, intervals: bool) -> Iterator[Row]:
    for metric, was, now, change, _ in line.cells:
        if was is None and now is None:
            continue
        means = [was, now] if both else [now]
        cells = [_mean(estimate, metric.digits, intervals) for estimate in means]
        if both:
            cells.append(bracketed(change, metric.digits, signed=True))
        yield Row(f"{line.name} {metric.title}", (Cell(str(line.n)), *cells))


def _mean(estimate: Estimate | None, digits: int, intervals: bool) -> Cell:
    if intervals:
        return bracketed(estimate, digits)
    return single(None if estimate is None else estimate.mean, digits)
