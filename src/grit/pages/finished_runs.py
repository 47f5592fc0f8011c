"""The table that a multirun ends in: a row for each finished run."""

from collections.abc import Sequence
from statistics import fmean

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table, single
from grit.figures.terminal_format import print_table
from grit.pages.differences import run_labels
from grit.pages.summary import means_of
from grit.runs.finished import FinishedRun
from grit.runs.results import Results
from grit.runs.run_record import relative
from grit.runs.shown_metrics import Metric, shown_metrics

_ASKED = "Not all runs were asked the same questions of {}: their means do not compare."
_NOTE = "Means over the sets of each run; task=report runs=[{}] makes a page of them."


def runs_table(runs: Sequence[FinishedRun]) -> Table:
    """Each run by what sets it apart, with its metrics' means over its sets, all sets alike.

    Sets whose questions are not the same in all runs, as after data were mended, are noted.
    """
    metrics = shown_metrics([run.results for run in runs])
    rows = tuple(
        Row(label or run.folder.name, (Cell(str(len(run.results.sets))), *_means(run, metrics)))
        for label, run in zip(run_labels(runs), runs, strict=True)
    )
    columns = (Column("", "sets"), *(Column("", metric.title) for metric in metrics))
    changed = _changed_sets([run.results for run in runs])
    notes = (_ASKED.format(", ".join(changed)),) if changed else ()
    return Table("", columns, (Section("", rows),), notes, corner="Run")


def print_runs(runs: Sequence[FinishedRun], console: Console | None = None) -> None:
    """Print the table, and how to see more."""
    print_table(runs_table(runs), console)
    place = relative(runs[0].folder.parent)
    (console or Console()).print(_NOTE.format(place), markup=False, highlight=False)


def _changed_sets(runs: Sequence[Results]) -> list[str]:
    """Sets with other questions in some of the runs than in others, as far as they say which."""
    asked: dict[str, set[str]] = {}
    for run in runs:
        for name, found in run.sets.items():
            asked.setdefault(name, set()).update(filter(None, [found.questions]))
    return [name for name, versions in asked.items() if len(versions) > 1]


def _means(run: FinishedRun, metrics: Sequence[Metric]) -> list[Cell]:
    means = [means_of(run.results, metric).values() for metric in metrics]
    return [
        single(fmean(there) if there else None, metric.digits)
        for there, metric in zip(means, metrics, strict=True)
    ]
