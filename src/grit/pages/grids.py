"""Every run's own numbers, a table for each metric; runs are not averaged or ranked here."""

from collections.abc import Sequence
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.figures.markdown_format import rows_markdown
from grit.figures.table import Column, Row, Section, Table, bracketed
from grit.pages.summary import estimate_of
from grit.runs.results import Results
from grit.runs.shown_metrics import Metric, shown_metrics


class Grid(NamedTuple):
    """One metric of all runs and of the sets that have it."""

    metric: Metric
    sets: tuple[str, ...]
    rows: tuple[tuple[Estimate | None, ...], ...]  # of each run; None where it has no number


def grids(runs: Sequence[Results]) -> list[Grid]:
    """A grid for each metric that some run has."""
    sets = dict.fromkeys(name for run in runs for name in run.sets)
    tables = []
    for metric in shown_metrics(runs):
        kept = [name for name in sets if any(estimate_of(r.sets.get(name), metric) for r in runs)]
        if kept:
            rows = (tuple(estimate_of(r.sets.get(name), metric) for name in kept) for r in runs)
            tables.append(Grid(metric, tuple(kept), tuple(rows)))
    return tables


def runs_markdown(runs: Sequence[Results], names: Sequence[str]) -> dict[str, str]:
    """A table for each metric, ``mean [low, high]``: heading -> Markdown."""
    return {
        f"{grid.metric.title} of every run": f"{rows_markdown(_table(grid, names))}\n"
        for grid in grids(runs)
    }


def _table(grid: Grid, names: Sequence[str]) -> Table:
    rows = tuple(
        Row(name, tuple(bracketed(estimate, grid.metric.digits) for estimate in estimates))
        for name, estimates in zip(names, grid.rows, strict=True)
    )
    columns = tuple(Column("", name) for name in grid.sets)
    return Table("", columns, (Section("", rows),), corner="Run")
