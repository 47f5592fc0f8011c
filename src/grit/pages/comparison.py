"""The table a training ends with: every test set before and after."""

from dataclasses import replace

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table, single
from grit.figures.terminal_format import print_table
from grit.runs.judging import judging_note
from grit.runs.left_out import left_out
from grit.runs.results import Results, SetResult
from grit.runs.shown_metrics import Metric, definitions, shown_metrics


def comparison_table(before: Results, after: Results | None = None) -> Table:
    """Sets in the order of ``before``; without ``after``, one column a metric."""
    runs = [before] if after is None else [before, after]
    metrics = shown_metrics(runs)
    whens = ("",) if after is None else ("\nbefore", "\nafter")
    columns = (Column("", metric.title + when) for metric in metrics for when in whens)
    rows = []
    for name in dict.fromkeys(name for run in runs for name in run.sets):
        sets = [run.sets.get(name) for run in runs]
        n = next(result.n for result in sets if result is not None)
        cells = (_cell(result, metric) for metric in metrics for result in sets)
        rows.append(Row(name, (Cell(str(n)), *cells)))
    return Table("", (Column("", "n"), *columns), (Section("", tuple(rows)),), corner="Set")


def comparison_notes(before: Results, after: Results | None = None) -> list[str]:
    """What the numbers leave out: missing images, rows the judge failed on, skipped sets."""
    if after is None:
        return list(left_out(before))
    both = [*left_out(before, when=" before"), *left_out(after, when=" after")]
    return list(dict.fromkeys(both))


def print_comparison(
    before: Results, after: Results | None = None, console: Console | None = None
) -> None:
    """Print the table, what its numbers mean and what they leave out."""
    runs = [before] if after is None else [before, after]
    judging = judging_note([before])
    notes = (*([judging] if judging else []), *definitions(runs), *comparison_notes(before, after))
    print_table(replace(comparison_table(before, after), notes=notes), console)


def _cell(result: SetResult | None, metric: Metric) -> Cell:
    mean = None if result is None else result.metrics[metric.key].mean
    return single(mean, metric.digits)
