"""The table a run ends with: every test set, after a training beside what was before it."""

from dataclasses import replace

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table, single
from grit.figures.terminal_format import print_table
from grit.pages.outcomes import outcome_table
from grit.runs.judging import judging_note
from grit.runs.left_out import left_out
from grit.runs.measured import Measured
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


def _cell(result: SetResult, metric: Metric) -> Cell:
    return single(result.metrics[metric.key].mean, metric.digits)
