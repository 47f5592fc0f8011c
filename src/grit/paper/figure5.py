"""Figure 5: attention on the image with and without boxes in the chain, from ``figure5.json``."""

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
from grit.paper.table import Cell, Column, Table, bracketed
from grit.studies.attention import COMPARED
from grit.studies.attention_prefixes import PREFIXES
from grit.studies.figure5 import (
    METHODS,
    PREFIX_NAMES,
    UNIT,
    Figure5,
    Levels,
    chart_of,
    read_figure5,
)

TITLE = "Figure 5: attention on the image after <rethink>"
DIGITS = 3
COLUMNS = (
    Column("", "Samples", 0),
    *(Column("", PREFIX_NAMES[prefix], DIGITS) for prefix in PREFIXES),
    *(
        Column("", f"{PREFIX_NAMES[one]} − {PREFIX_NAMES[other]}", DIGITS)
        for one, other in COMPARED.values()
    ),
)
PAPER = (
    "The paper reports that the curve with boxes lies above the one without. Attention is shared "
    "out among all earlier tokens, so a shorter prefix leaves more of it to the image; the third "
    "prefix is as short as the second and keeps the boxes: their difference is what the boxes do "
    "at equal length."
)


def figure5(evidence: Evidence) -> Exhibit:
    """The figure of each ``figure5.json`` that was found."""
    found, notes = records(evidence, "figure5", read_figure5)
    if not found:
        return unmeasured("figure5", TITLE, COLUMNS, METHODS, evidence, notes)
    return figure5_exhibit(found, [*notes, *evidence.notes])


def figure5_exhibit(found: Sequence[tuple[Path, Figure5]], notes: Sequence[str] = ()) -> Exhibit:
    """Figures with the folders of their records; of several, each has a table of its own."""
    tables = []
    for folder, figure in found:
        title = f"set={figure.set}, in thousandths" + f"; {folder}" * (len(found) > 1)
        rows = sections([(*one, _cells(one)) for one in figure.levels], COLUMNS)
        tables.append(Table(title, COLUMNS, rows, (*_notes(figure), *notes), "Method"))
    return Exhibit("figure5", TITLE, tuple(tables), tuple(chart_of(figure) for _, figure in found))


def _cells(levels: Levels) -> tuple[Cell, ...]:
    count = len(levels.runs)
    samples = sum(run.study.samples for run in levels.runs)
    values = [levels.level(prefix) for prefix in PREFIXES]
    values += [levels.difference(name) for name in COMPARED]
    means = (mean_of(value, count, UNIT) for value in values)
    return (counted(str(samples), samples, count), *(bracketed(mean, DIGITS) for mean in means))


def _notes(figure: Figure5) -> Iterator[str]:
    yield (
        "Attention on an image token, in thousandths, averaged over layers, heads and image "
        f"tokens, over the first {figure.tokens} tokens that the model generates after <rethink> "
        f"(fewer where it ends earlier). Set: {figure.set}, at most {figure.samples} samples a "
        "run. Intervals are 95%: over samples (bootstrap), and over runs where there are several "
        "(t). Differences are over the tokens that both prefixes of a sample led to."
    )
    yield from missing_notes([one.name for one in figure.levels if not one.runs], figure.unfinished)
    yield PAPER
