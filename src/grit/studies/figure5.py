"""Figure 5 from measured attention: its record ``figure5.json``, its table and its chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds
from grit.figures.chart import Chart, Panel, Series, points_of
from grit.figures.table import Cell, Column, Table, bracketed
from grit.studies.attention_prefixes import PREFIXES
from grit.studies.attention_study import COMPARED, AttentionCurve, AttentionStudy
from grit.studies.figure_runs import Group, RunName
from grit.studies.record import Figure, Study, counted, missing_notes, plain, sections

METHODS = ("grit",)  # that the paper's figure shows
PREFIX_NAMES = {
    "boxes": "boxes",
    "no_boxes": "boxes removed",
    "fewer_words": "as many other tokens removed",
}
DIGITS = 3
COLUMNS = (
    Column("", "Samples", 0),
    *(Column("", PREFIX_NAMES[prefix], DIGITS) for prefix in PREFIXES),
    *(
        Column("", f"{PREFIX_NAMES[first]} − {PREFIX_NAMES[second]}", DIGITS)
        for first, second in COMPARED.values()
    ),
)
PAPER = (
    "The paper reports that the curve with boxes lies above the one without. Attention is shared "
    "out among all earlier tokens, so a shorter prefix leaves more of it to the image; the third "
    "prefix is as short as the second and keeps the boxes: their difference is what the boxes do "
    "at equal length."
)
LEVELS, CHANGES = Bounds(0.0, 1.0), Bounds(-1.0, 1.0)  # attention is a share of one
UNIT = 1e3  # shown in thousandths
_SHOWN_FROM = 0.1  # of the samples have to reach a token for its mean to be drawn


@dataclass(frozen=True)
class AttendingRun:
    """What one run's model attends to."""

    run: RunName
    rows: int  # completions looked through
    study: AttentionStudy


@dataclass(frozen=True)
class Figure5(Figure[AttendingRun]):
    """All that the figure is made of."""

    set: str
    samples: int  # at most so many of each run
    tokens: int


def _line(runs: Sequence[AttendingRun], prefix: str) -> tuple[float | None, ...]:
    """The mean in thousandths over all samples that reached each token, where enough did."""
    curves = [run.study.curves[prefix] for run in runs]
    least = _SHOWN_FROM * sum(run.study.samples for run in runs)
    values = []
    for at in range(len(curves[0].mean) if curves else 0):
        n = sum(curve.n[at] for curve in curves)
        total = sum((curve.mean[at] or 0.0) * curve.n[at] for curve in curves)
        values.append(UNIT * total / n if n and n >= least else None)
    return tuple(values)


def _level(group: Group[AttendingRun], prefix: str) -> Estimate:
    return group.over_runs(lambda run: run.study.curves[prefix].level, LEVELS)


def _difference(group: Group[AttendingRun], name: str) -> Estimate:
    return group.over_runs(lambda run: run.study.differences[name], CHANGES)


def _group_row(group: Group[AttendingRun]) -> dict[str, Estimate]:
    levels = {prefix: _level(group, prefix) for prefix in PREFIXES}
    return levels | {name: _difference(group, name) for name in COMPARED}


def _run_of(row: dict[str, Any]) -> AttendingRun:
    curves = {prefix: _curve_of(row["curves"][prefix]) for prefix in PREFIXES}
    differences = {name: Estimate(**row["differences"][name]) for name in COMPARED}
    study = AttentionStudy(row["samples"], curves, differences)
    return AttendingRun(RunName.of_row(row), row["rows"], study)


def _curve_of(row: dict[str, Any]) -> AttentionCurve:
    return AttentionCurve(tuple(row["mean"]), tuple(row["n"]), Estimate(**row["level"]))


def _chart(figure: Figure5) -> Chart:
    """The curves, a panel for each model and method; ends that few samples reach are left out."""
    return Chart(
        title="Attention on an image token after <rethink>",
        note="Mean over samples, layers, heads and image tokens, in thousandths",
        panels=tuple(map(_panel, figure.groups)),
        y_label="attention, thousandths",
        x_label="generated token",
    )


def _panel(group: Group[AttendingRun]) -> Panel:
    lines = {PREFIX_NAMES[prefix]: _line(group.runs, prefix) for prefix in PREFIXES}
    reached = [at for line in lines.values() for at, value in enumerate(line) if value is not None]
    end = max(reached, default=0) + 1
    title = f"{group.name.title}, {group.name.method}" + ": missing" * (not group.runs)
    series = (Series(name, points_of(line[:end])) for name, line in lines.items())
    return Panel(title, tuple(series))


def _tables(figure: Figure5, title: str, notes: Sequence[str]) -> Iterator[Table]:
    rows = sections(figure.groups, COLUMNS, _cells)
    yield Table(title, COLUMNS, rows, (*_notes(figure), *notes), "Method")


def _cells(group: Group[AttendingRun]) -> tuple[Cell, ...]:
    count = len(group.runs)
    samples = sum(run.study.samples for run in group.runs)
    values = _group_row(group).values()
    shown = (bracketed(_in_thousandths(value), DIGITS, runs=count) for value in values)
    return (counted(str(samples), samples, count), *shown)


def _in_thousandths(value: Estimate) -> Estimate:
    mean, low, high = (None if number is None else UNIT * number for number in value[:3])
    return Estimate(mean, low, high, value.n)


def _notes(figure: Figure5) -> Iterator[str]:
    yield (
        "Attention on an image token, in thousandths, averaged over layers, heads and image "
        f"tokens, over the first {figure.tokens} tokens that the model generates after <rethink> "
        f"(fewer where it ends earlier). Set: {figure.set}, at most {figure.samples} samples a "
        "run. Intervals are 95%: over pictures (bootstrap), and over runs where there are several "
        "(t). Differences are over the tokens that both prefixes of a sample led to."
    )
    yield from missing_notes(figure)
    yield PAPER


FIGURE5 = Study(
    name="figure5",
    title="Figure 5: attention on the image after <rethink>",
    task="attention",
    columns=COLUMNS,
    methods=METHODS,
    kind=Figure5,
    groups="levels",
    group_row=_group_row,
    run_row=lambda run: {"rows": run.rows} | plain(run.study),
    run_of=_run_of,
    heading=lambda figure: f"set={figure.set}, in thousandths",
    tables=_tables,
    chart=_chart,
)
