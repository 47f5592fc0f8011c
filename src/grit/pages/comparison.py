"""The table a training ends with: every test set before and after."""

from collections.abc import Iterator
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grit.runs.judging import judging_note
from grit.runs.metrics import Metric, definitions, shown_metrics
from grit.runs.results import Results, SetResult

_NONE = "-"
_MOST_WIDE = 6  # columns of numbers that leave room for more than a space between them


class ComparedSet(NamedTuple):
    """One line of the table, as text: ``cells`` has before and after of every metric in turn."""

    name: str
    n: str
    cells: tuple[str, ...]


def compared_sets(before: Results, after: Results | None = None) -> list[ComparedSet]:
    """The table's lines, sets in the order of ``before``; without ``after``, one cell a metric."""
    runs = [before] if after is None else [before, after]
    names = dict.fromkeys(name for run in runs for name in run.sets)
    metrics = shown_metrics(runs)
    lines = []
    for name in names:
        found = [run.sets.get(name) for run in runs]
        cells = [_cell(one, metric) for metric in metrics for one in found]
        rows = next(one.n for one in found if one is not None)
        lines.append(ComparedSet(name, str(rows), tuple(cells)))
    return lines


def comparison_table(before: Results, after: Results | None = None) -> Table:
    """The comparison for a terminal of 80 columns."""
    headings = _headings(before, after)
    narrow = len(headings) > _MOST_WIDE
    padding = (0, 0) if narrow else (0, 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding)
    table.add_column("Set", overflow="fold")
    table.add_column("n", justify="right")
    for heading in headings:
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for line in compared_sets(before, after):
        # Text, because a set's name may hold the square brackets that rich reads as markup.
        table.add_row(*(Text(cell) for cell in (line.name, line.n, *line.cells)))
    return table


def comparison_notes(before: Results, after: Results | None = None) -> list[str]:
    """What the numbers leave out: missing images, rows the judge failed on, skipped sets."""
    runs = [("", before)] if after is None else [(" before", before), (" after", after)]
    notes = dict.fromkeys(note for _, run in runs for note in _left_out(run))
    for when, run in runs:
        failures = {name: one.judge_failures for name, one in run.sets.items()}
        for name, count in failures.items():
            if count:
                notes[f"{name}: the judge failed on {count} rows{when}: they are not in ACC"] = None
    return list(notes)


def print_comparison(
    before: Results, after: Results | None = None, console: Console | None = None
) -> None:
    """Print the table, what its numbers mean and what they leave out."""
    console = console or Console()
    console.print(comparison_table(before, after))
    runs = [before] if after is None else [before, after]
    judging = judging_note([before])
    notes = (*([judging] if judging else []), *definitions(runs))
    for note in (*notes, *comparison_notes(before, after)):
        console.print(note, markup=False, highlight=False)


def _headings(before: Results, after: Results | None) -> list[str]:
    whens = ("",) if after is None else (" before", " after")
    metrics = shown_metrics([before] if after is None else [before, after])
    return [metric.title + when for metric in metrics for when in whens]


def _cell(found: SetResult | None, metric: Metric) -> str:
    mean = None if found is None else found.metrics[metric.key].mean
    return _NONE if mean is None else f"{mean:.{metric.digits}f}"


def _left_out(run: Results) -> Iterator[str]:
    for name, found in run.sets.items():
        if found.images_missing:
            rows = "row" if found.images_missing == 1 else "rows"
            yield f"{name}: {found.images_missing} {rows} left out: the images are missing"
    for name, reason in run.skipped.items():
        yield f"{name}: skipped: {reason}"
