"""The table a run ends with: every test set, after a training beside what was before it."""

from dataclasses import replace
from types import MappingProxyType

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table, single
from grit.figures.terminal_format import print_table
from grit.pages.outcomes import outcome_table
from grit.pages.summary import Rows
from grit.runs.judging import judging_note
from grit.runs.left_out import left_out
from grit.runs.results import Results, SetResult
from grit.runs.shown_metrics import Metric, definitions, shown_metrics

DIFFERENCE = "The difference is of the same questions, with its 95% interval."


def results_table(results: Results) -> Table:
    """A row for each set, a column for each metric."""
    metrics = shown_metrics([results])
    columns = (Column("", metric.title) for metric in metrics)
    rows = (
        Row(name, (Cell(str(found.n)), *(_cell(found, metric) for metric in metrics)))
        for name, found in results.sets.items()
    )
    return Table("", (Column("", "n"), *columns), (Section("", tuple(rows)),), corner="Set")


def comparison_notes(before: Results, after: Results | None = None) -> list[str]:
    """What the numbers leave out: missing images, rows the judge failed on, skipped sets."""
    if after is None:
        return list(left_out(before))
    both = [*left_out(before, when=" before"), *left_out(after, when=" after")]
    return list(dict.fromkeys(both))


def print_comparison(
    before: Results,
    after: Results | None = None,
    rows_before: Rows = MappingProxyType({}),
    rows_after: Rows = MappingProxyType({}),
    console: Console | None = None,
) -> None:
    """Print the table, what its numbers mean and what they leave out.

    Args:
        before: the results; with ``after`` those before training.
        after: the results after training: each metric is shown before, after and as a difference.
        rows_before: the scored rows of ``before``, of which the difference is.
        rows_after: those of ``after``.
        console: to print to; None: standard output.
    """
    runs = [before] if after is None else [before, after]
    judging = judging_note([before])
    notes = (*([judging] if judging else []), *definitions(runs), *comparison_notes(before, after))
    if after is None:
        table = results_table(before)
    else:
        table = outcome_table(before, after, rows_before, rows_after)
        notes = (DIFFERENCE, *notes)
    print_table(replace(table, notes=notes), console)


def _cell(result: SetResult, metric: Metric) -> Cell:
    return single(result.metrics[metric.key].mean, metric.digits)
