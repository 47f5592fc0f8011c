"""Figure 4: whether a chain's boxes are those that its text speaks of, from ``figure4.json``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from grit.paper.evidence import Evidence
from grit.paper.exhibit import Exhibit
from grit.paper.measured import (
    counted,
    mean_of,
    missing_notes,
    records,
    sections,
    unmeasured,
)
from grit.paper.table import NOTHING, Cell, Column, Table, bracketed, number
from grit.studies.correlation import CONTROLS
from grit.studies.figure4 import (
    CONTROL_NAMES,
    METHODS,
    WRITTEN,
    Bars,
    Figure4,
    chart_of,
    read_figure4,
)

TITLE = "Figure 4: Vision-Language Reasoning Cross-Modal Correlation"
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


def figure4(evidence: Evidence) -> Exhibit:
    """The figure of each ``figure4.json`` that was found."""
    found, notes = records(evidence, "figure4", read_figure4)
    if not found:
        return unmeasured("figure4", TITLE, COLUMNS, METHODS, evidence, notes)
    return figure4_exhibit(found, [*notes, *evidence.notes])


def figure4_exhibit(found: Sequence[tuple[Path, Figure4]], notes: Sequence[str] = ()) -> Exhibit:
    """Figures with the folders of their records; of several, each has tables of its own."""
    tables: list[Table] = []
    for folder, figure in found:
        title = f"judge={figure.judge}" + f"; {folder}" * (len(found) > 1)
        tables += _tables(figure, title, notes)
    return Exhibit("figure4", TITLE, tuple(tables), tuple(chart_of(figure) for _, figure in found))


def _tables(figure: Figure4, title: str, notes: Sequence[str]) -> Iterator[Table]:
    bars = figure.bars
    overall = sections([(*one, _overall(one)) for one in bars], COLUMNS)
    yield Table(title, COLUMNS, overall, (*_notes(figure), *notes), "Method")
    columns = tuple(Column("", name, DIGITS) for name in figure.sets)
    if columns:
        of_sets = sections([(*one, _of_sets(one, figure.sets)) for one in bars], columns)
        yield Table(f"Each set, against random boxes; {title}", columns, of_sets, (), "Method")


def _overall(bars: Bars) -> tuple[Cell, ...]:
    runs = bars.runs
    rows, grounded, judged = (
        sum(getattr(run, name) for run in runs) for name in ("rows", "grounded", "judged")
    )
    first = [run.correlations["random"] for run in runs]
    spreads = [found.std for found in first if found.std is not None]
    spread = sum(spreads) / len(spreads) if spreads else None
    trials = sum(run.judged * len(one.repeats) for run, one in zip(runs, first, strict=True))
    undecided = sum(found.undecided for found in first)
    count = len(runs)
    return (
        _share(grounded, rows, count),
        counted(str(judged), judged, count),
        *(bracketed(mean_of(bars.estimate(control), count), DIGITS) for control in CONTROLS),
        Cell(NOTHING) if spread is None else counted(number(spread, DIGITS), spread, count),
        _share(undecided, trials, count),
    )


def _share(part: int, whole: int, runs: int) -> Cell:
    return counted(f"{part / whole:.0%}", part / whole, runs) if whole else Cell(NOTHING)


def _of_sets(bars: Bars, sets: Sequence[str]) -> tuple[Cell, ...]:
    found = (mean_of(bars.of_set("random", name), len(bars.runs)) for name in sets)
    return tuple(bracketed(mean, DIGITS) for mean in found)


def _notes(figure: Figure4) -> Iterator[str]:
    yield (
        "Share of chains whose own boxes the judge picks over random ones; 0.5 is chance. Judge: "
        f"{figure.judge}. {figure.repeats} repeats, at most {figure.chains} chains a set, drawn by "
        "lot. Intervals are 95%: over chains (bootstrap), and over runs where there are several "
        "(t)."
    )
    yield from missing_notes([one.name for one in figure.bars if not one.runs], figure.unfinished)
    yield PAPER
    if any(run.run.method == WRITTEN for run in figure.runs):
        yield STAND_IN
    failures = sum(one.failures for run in figure.runs for one in run.correlations.values())
    if failures:
        yield f"The judge failed {failures} times; those count nowhere."
