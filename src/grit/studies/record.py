"""What figures 4 and 5 and faithfulness share: their records in files, and their tables."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from grit.core.errors import GritError
from grit.core.files import write_json
from grit.evaluation.bootstrap import Estimate
from grit.figures.chart import Chart, Panel, Point, Series
from grit.figures.exhibit import Exhibit
from grit.figures.svg import chart_svg
from grit.figures.table import MISSING, Cell, Column, Mean, Row, Section, Table
from grit.runs.printed import METHODS, model_title
from grit.runs.repetitions import seeds_label
from grit.runs.results import OtherSchema
from grit.studies.figure_runs import Group, OfRun, Unfinished, draws_of, grouped

SCHEMA_VERSION = 1  # of figure4.json, figure5.json and faithfulness.json
WRITTEN = "written"  # the method's name of chains that come from the scenes' annotations
TITLES = METHODS | {WRITTEN: "Written from annotations"}

T = TypeVar("T", bound=OfRun)
F = TypeVar("F", bound="Figure[Any]")


@dataclass(frozen=True, kw_only=True)
class Figure(Generic[T]):
    """All that a figure is made of; a subclass has how it was measured, by the record's names."""

    runs: Sequence[T]
    unfinished: Sequence[Unfinished] = ()
    expected: Sequence[str] = ()  # methods that are marked as missing where they have no run

    @property
    def groups(self) -> list[Group[T]]:
        """Runs of one model and method, that differ in their seeds, in the paper's order."""
        return grouped(self.runs, self.unfinished, self.expected)

    @property
    def models(self) -> dict[str, list[Group[T]]]:
        """The groups of each model and its data, by what stands over its panel."""
        models: dict[str, list[Group[T]]] = {}
        for group in self.groups:
            models.setdefault(group.name.title, []).append(group)
        return models


@dataclass(frozen=True)
class Study(Generic[F]):
    """A figure ``F`` whose numbers no run measures by itself: how it is read and shown."""

    name: str  # of the exhibit; its record is ``name.json``
    title: str
    task: str  # which measures it
    columns: tuple[Column, ...]
    methods: tuple[str, ...]  # that the paper's figure compares
    kind: type[F]
    groups: str  # the record's name of groups of runs
    group_row: Callable[[Group[Any]], dict[str, Any]]
    run_row: Callable[[Any], dict[str, Any]]  # what a record says of a run, but for its name
    run_of: Callable[[dict[str, Any]], Any]  # the inverse
    heading: Callable[[F], str]  # over its tables
    tables: Callable[[F, str, Sequence[str]], Iterator[Table]]  # of a figure, a title and notes
    chart: Callable[[F], Chart]

    def read(self, path: Path) -> F:
        """A figure from the file that holds its numbers.

        Raises:
            OtherSchema: another version wrote it.
            GritError: it is damaged.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            version = record["schema_version"]
            if version != SCHEMA_VERSION:
                raise OtherSchema(
                    f"{path}: expected schema_version {SCHEMA_VERSION}, found {version!r:.60}"
                )
            return self.kind(
                **{name: record[name] for name in self._how},
                runs=[self.run_of(row) for row in record["runs"]],
                unfinished=[Unfinished(**row) for row in record["unfinished"]],
                expected=record.get("expected", self.methods),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GritError(
                f"{path}: is not as this version writes it: {type(error).__name__}: {error}"
            ) from error

    def write(self, figure: F, folder: Path) -> Path:
        """Write every number behind the figure, run by run and over runs; returns the path."""
        groups = [
            group.name.of_group() | {"runs": len(group.runs)} | self.group_row(group)
            for group in figure.groups
        ]
        runs = [plain(run.run) | self.run_row(run) for run in figure.runs]
        record = {name: getattr(figure, name) for name in (*self._how, "expected", "unfinished")}
        path = folder / f"{self.name}.json"
        head = {"schema_version": SCHEMA_VERSION, "figure": self.name}
        write_json(path, head | plain(record | {self.groups: groups, "runs": runs}))
        return path

    @property
    def _how(self) -> list[str]:
        """The fields that say how it was measured."""
        shared = {field.name for field in fields(Figure)}
        return [field.name for field in fields(self.kind) if field.name not in shared]

    def exhibit(self, figures: Sequence[tuple[Path, F]], notes: Sequence[str] = ()) -> Exhibit:
        """Figures with the folders of their records; of several, each has tables of its own."""
        tables: list[Table] = []
        for folder, figure in figures:
            title = self.heading(figure) + f"; {folder}" * (len(figures) > 1)
            tables += self.tables(figure, title, notes)
        charts = tuple(self.chart(figure) for _, figure in figures)
        return Exhibit(self.name, self.title, tuple(tables), charts)

    def svg(self, figure: F) -> str:
        """The chart as the text of an SVG file."""
        return chart_svg(self.chart(figure))


def plain(value: Any) -> Any:
    """JSON values of records: dataclasses and named tuples are objects."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def sections(
    groups: Sequence[Group[T]],
    columns: Sequence[Column],
    cells: Callable[[Group[T]], tuple[Cell, ...]] | None = None,
) -> tuple[Section, ...]:
    """A section for each model and its data; rows without runs or ``cells`` are missing."""
    rows: dict[str, list[Row]] = {}
    for group in groups:
        name, runs = group
        title = f"{model_title(name.model)}; data={name.data}"
        shown = cells(group) if cells and runs else (Cell(MISSING),) * len(columns)
        label = seeds_label(_title(name.method), draws_of(runs))
        rows.setdefault(title, []).append(Row(label, shown))
    return tuple(Section(title, tuple(rows)) for title, rows in rows.items())


def bars(
    title: str, groups: Sequence[Group[T]], series: Mapping[str, Callable[[Group[T]], Estimate]]
) -> Panel:
    """A panel with a bar of each of the ``series``, by their names, for each method."""
    drawn = (
        Series(name, tuple(Point(at, *of(group)[:3]) for at, group in enumerate(groups)))
        for name, of in series.items()
    )
    labels = (group.name.method + ": missing" * (not group.runs) for group in groups)
    return Panel(title, tuple(drawn), tuple(labels))


def missing_notes(figure: Figure[Any]) -> Iterator[str]:
    """Why rows are missing, or have fewer seeds than were asked for."""
    for run in figure.unfinished:
        of = run.folder
        if run.model:
            of = f"{run.model}, {_title(run.method)}, data={run.data}, seed {run.seed}"
        yield f"{of}: no part of the figure: {run.reason}"
    explained = {(run.model, run.data, run.method) for run in figure.unfinished}
    for name, runs in figure.groups:
        if not runs and name.of_names() not in explained:
            yield f"{name.model}, {_title(name.method)}, data={name.data}: no run was there"


def counted(text: str, value: float, runs: int) -> Cell:
    """A number without an interval."""
    return Cell(text, Mean(value, None, None, runs))


def _title(method: str) -> str:
    """A method by its name in the paper; what tells it from its twins stays."""
    name, space, rest = method.partition(" ")
    return f"{TITLES.get(name, name)}{space}{rest}"
