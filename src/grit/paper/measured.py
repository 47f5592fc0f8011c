"""What figures 4 and 5 share: they are made of their records, and say what has none."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from grit.evaluation.bootstrap import Estimate
from grit.paper.evidence import Evidence
from grit.paper.exhibit import Exhibit
from grit.paper.rows import model_title, seeds_label
from grit.paper.seeds import Mean
from grit.paper.table import MISSING, Cell, Column, Row, Section, Table
from grit.runs.printed import METHODS
from grit.runs.results import OtherSchema
from grit.studies.figure_runs import RunName, Unfinished

TITLES = METHODS | {"written": "Written from annotations"}
TASKS = {"figure4": "correlation", "figure5": "attention"}

F = TypeVar("F")
Group = tuple[RunName, Sequence[object], tuple[Cell, ...]]


def records(
    evidence: Evidence, name: str, read: Callable[[Path], F]
) -> tuple[list[tuple[Path, F]], list[str]]:
    """The figures of this name that were found, and notes on those that cannot be used."""
    found: list[tuple[Path, F]] = []
    notes = []
    for path in evidence.figures:
        if path.name != f"{name}.json":
            continue
        try:
            found.append((path.parent, read(path)))
        except OtherSchema as error:
            notes.append(f"left out: {error}")
    return found, notes


def sections(groups: Sequence[Group], columns: Sequence[Column]) -> tuple[Section, ...]:
    """A section for each model and its data; rows without runs are marked as missing."""
    rows: dict[str, list[Row]] = {}
    for name, runs, cells in groups:
        title = f"{model_title(name.model)}; data={name.data}"
        shown = cells if runs else tuple(Cell(MISSING) for _ in columns)
        rows.setdefault(title, []).append(Row(seeds_label(_title(name.method), runs), shown))
    return tuple(Section(title, tuple(found)) for title, found in rows.items())


def unmeasured(
    name: str,
    title: str,
    columns: tuple[Column, ...],
    methods: Sequence[str],
    evidence: Evidence,
    notes: Sequence[str],
) -> Exhibit:
    """A figure of which no record was found: all is missing, of every model that there are runs of.

    Results cannot stand in: what a figure shows was never measured by the runs themselves.
    """
    models = dict.fromkeys((run.results.model, run.results.data) for run in evidence.runs)
    groups = [
        (RunName("", model, data, method, 0, ""), (), ())
        for model, data in models
        for method in methods
    ]
    how = (
        f"no {name}.json was found: experiment={name} or task={TASKS[name]} measures what it holds"
    )
    rows = sections(groups, columns)
    table = Table("nothing was measured", columns, rows, (how, *notes, *evidence.notes), "Method")
    return Exhibit(name, title, (table,))


def missing_notes(missing: Sequence[RunName], unfinished: Sequence[Unfinished]) -> Iterator[str]:
    """Why rows are missing, or have fewer seeds than were asked for."""
    for one in unfinished:
        if one.model:
            of = f"{one.model}, {_title(one.method)}, data={one.data}, seed {one.seed}"
        else:
            of = one.folder
        yield f"{of}: no part of the figure: {one.reason}"
    explained = {(one.model, one.data, one.method) for one in unfinished}
    for name in missing:
        if (name.model, name.data, name.method) not in explained:
            yield f"{name.model}, {_title(name.method)}, data={name.data}: no run was there"


def mean_of(value: Estimate, runs: int, unit: float = 1.0) -> Mean | None:
    """An estimate as a table's number."""
    if value.mean is None:
        return None
    low, high = (None if end is None else unit * end for end in (value.low, value.high))
    return Mean(unit * value.mean, low, high, runs)


def counted(text: str, value: float, runs: int) -> Cell:
    """A number without an interval."""
    return Cell(text, Mean(value, None, None, runs))


def _title(method: str) -> str:
    """A method by its name in the paper; what tells it from its twins stays."""
    name, space, rest = method.partition(" ")
    return f"{TITLES.get(name, name)}{space}{rest}"
