"""Figure 4 from measured chains: its record ``figure4.json``, its tables and its chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds
from grit.figures.chart import Chart
from grit.figures.table import NOTHING, Cell, Column, Table, bracketed, number
from grit.studies.correlation_study import CONTROLS, Correlation
from grit.studies.figure_runs import Group, RunName
from grit.studies.record import WRITTEN, Figure, Study, bars, counted, missing_notes, sections

METHODS = ("grit", "icl", "sft")  # that the paper's figure compares
SHARE = Bounds(0.0, 1.0)
CONTROL_NAMES = {"random": "against random boxes", "same_sizes": "against boxes of the same sizes"}
DIGITS = 3
COLUMNS = (
    Column("", "Chains with boxes", 0),
    Column("", "Judged", 0),
    *(Column("", name, DIGITS) for name in CONTROL_NAMES.values()),
    Column("", "SD over repeats", DIGITS),
    Column("", "Undecided", 0),
)
PAPER = "The paper reports the order: human-written chains > GRIT > the other methods."
STAND_IN = (
    "The row “Written from annotations” stands in the place of its human-written chains: chains "
    "made from the drawn scenes' annotations, which show what the judge gives to perfect ones."
)


@dataclass(frozen=True)
class CorrelatedRun:
    """What one run's chains came to."""

    run: RunName
    rows: int  # completions that could have had a chain with boxes
    grounded: int  # of them, those that had
    judged: int  # of those, the ones drawn at random
    correlations: Mapping[str, Correlation]  # by the names of CONTROLS


@dataclass(frozen=True)
class Figure4(Figure[CorrelatedRun]):
    """All that the figure is made of."""

    judge: str
    repeats: int
    chains_per_set: int  # at most
    seed: int

    @property
    def sets(self) -> list[str]:
        """The test sets that chains came from."""
        names = (name for run in self.runs for name in run.correlations["random"].sets)
        return list(dict.fromkeys(names))


def _correlation(group: Group[CorrelatedRun], control: str, name: str | None = None) -> Estimate:
    """The correlation against a control over runs, of all chains or of a set's."""

    def of_run(run: CorrelatedRun) -> Estimate | None:
        found = run.correlations[control]
        return found.interval if name is None else found.sets.get(name)

    return group.over_runs(of_run, SHARE)


def _group_row(group: Group[CorrelatedRun]) -> dict[str, Any]:
    return {control: _correlation(group, control) for control in CONTROLS}


def _run_row(run: CorrelatedRun) -> dict[str, Any]:
    counts = {"rows": run.rows, "grounded": run.grounded, "judged": run.judged}
    return counts | dict(run.correlations)


def _run_of(row: dict[str, Any]) -> CorrelatedRun:
    correlations = {control: _correlation_of(row[control]) for control in CONTROLS}
    rows, grounded, judged = (row[name] for name in ("rows", "grounded", "judged"))
    return CorrelatedRun(RunName.of_row(row), rows, grounded, judged, correlations)


def _correlation_of(row: dict[str, Any]) -> Correlation:
    sets = {name: Estimate(**value) for name, value in row["sets"].items()}
    interval = Estimate(**row["interval"])
    repeats = tuple(row["repeats"])
    return Correlation(**row | {"repeats": repeats, "interval": interval, "sets": sets})


def _chart(figure: Figure4) -> Chart:
    """Bars for each method with their intervals, a panel for each model."""
    series = {CONTROL_NAMES[each]: partial(_correlation, control=each) for each in CONTROLS}
    return Chart(
        title="Cross-modal correlation of chains and boxes",
        note=f"Judged by {figure.judge}, {figure.repeats} repeats; 95% intervals",
        panels=tuple(bars(title, groups, series) for title, groups in figure.models.items()),
        y_label="own boxes picked",
        reference=(0.5, "chance"),
        top=1.0,
    )


def _tables(figure: Figure4, title: str, notes: Sequence[str]) -> Iterator[Table]:
    overall = sections(figure.groups, COLUMNS, _overall)
    yield Table(title, COLUMNS, overall, (*_notes(figure), *notes), "Method")
    columns = tuple(Column("", name, DIGITS) for name in figure.sets)
    if columns:
        of_sets = sections(figure.groups, columns, partial(_of_sets, sets=figure.sets))
        yield Table(f"Each set, against random boxes; {title}", columns, of_sets, (), "Method")


def _overall(group: Group[CorrelatedRun]) -> tuple[Cell, ...]:
    runs, count = group.runs, len(group.runs)
    rows, grounded, judged = (
        sum(getattr(run, name) for run in runs) for name in ("rows", "grounded", "judged")
    )
    first = [run.correlations["random"] for run in runs]
    spreads = [correlation.std for correlation in first if correlation.std is not None]
    spread = sum(spreads) / len(spreads) if spreads else None
    trials = sum(run.judged * len(c.repeats) for run, c in zip(runs, first, strict=True))
    return (
        _share(grounded, rows, count),
        counted(str(judged), judged, count),
        *(bracketed(_correlation(group, control), DIGITS, runs=count) for control in CONTROLS),
        Cell(NOTHING) if spread is None else counted(number(spread, DIGITS), spread, count),
        _share(sum(correlation.undecided for correlation in first), trials, count),
    )


def _share(part: int, whole: int, runs: int) -> Cell:
    return counted(f"{part / whole:.0%}", part / whole, runs) if whole else Cell(NOTHING)


def _of_sets(group: Group[CorrelatedRun], sets: Sequence[str]) -> tuple[Cell, ...]:
    estimates = (_correlation(group, "random", name) for name in sets)
    return tuple(bracketed(estimate, DIGITS, runs=len(group.runs)) for estimate in estimates)


def _notes(figure: Figure4) -> Iterator[str]:
    yield (
        "Share of chains whose own boxes the judge picks over random ones; 0.5 is chance. Judge: "
        f"{figure.judge}. {figure.repeats} repeats, at most {figure.chains_per_set} chains a set, "
        "drawn at random. Intervals are 95%: over pictures (bootstrap), and over runs where there "
        "are several (t)."
    )
    yield from missing_notes(figure)
    yield PAPER
    if any(run.run.method == WRITTEN for run in figure.runs):
        yield STAND_IN
    failures = sum(c.failures for run in figure.runs for c in run.correlations.values())
    if failures:
        yield f"The judge failed {failures} times; those count nowhere."


FIGURE4 = Study(
    name="figure4",
    title="Figure 4: Vision-Language Reasoning Cross-Modal Correlation",
    task="correlation",
    columns=COLUMNS,
    methods=METHODS,
    kind=Figure4,
    groups="bars",
    group_row=_group_row,
    run_row=_run_row,
    run_of=_run_of,
    heading=lambda figure: f"judge={figure.judge}",
    tables=_tables,
    chart=_chart,
)
