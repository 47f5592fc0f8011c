"""The table a run ends with: every test set, after a training beside what was before it."""

from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console

from grit.evaluation.bootstrap import Estimate
from grit.figures.table import Cell, Column, Row, Section, Table, bracketed, single
from grit.figures.terminal_format import print_table
from grit.pages.summary import Line, result_lines
from grit.runs.judging import judging_note
from grit.runs.left_out import left_out
from grit.runs.measured import Measured
from grit.runs.results import Results
from grit.runs.shown_metrics import definitions, shown_metrics

DIFFERENCE = "The difference is of the same questions, with its 95% interval."


def results_table(results: Results) -> Table:
    """A row for each set, a column for each metric."""
    metrics = shown_metrics([results])
    columns = (Column("", metric.title) for metric in metrics)
    rows = []
    for name, found in results.sets.items():
        means = (single(found.metrics[metric.key].mean, metric.digits) for metric in metrics)
        rows.append(Row(name, (Cell(str(found.n)), *means)))
    return Table("", (Column("", "n"), *columns), (Section("", tuple(rows)),), corner="Set")


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


def comparison_notes(before: Results, after: Results | None = None) -> list[str]:
    """What the numbers leave out: missing images, rows the judge failed on, skipped sets."""
    if after is None:
        return list(left_out(before))
    both = [*left_out(before, when=" before"), *left_out(after, when=" after")]
    return list(dict.fromkeys(both))


def print_comparison(
    before: Measured, after: Measured | None = None, console: Console | None = None
) -> None:
    """Print the table, what its numbers mean and what they leave out.

    Args:
        before: the evaluation; with ``after`` that before training.
        after: that after training: each metric is shown before, after and as a difference.
        console: to print to; None: standard output.
    """
    runs = [each.results for each in (before, after) if each]
    judging = judging_note(runs[:1])
    notes = (*([judging] if judging else []), *definitions(runs), *comparison_notes(*runs))
    if after is None:
        table = results_table(before.results)
    else:
        table = outcome_table(before, after)
        notes = (DIFFERENCE, *notes)
    print_table(replace(table, notes=notes), console)


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
