"""The paper's table 2: figures of each test set from its file, beside those that are printed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from rich.console import Console

from grit.core.files import write_json, write_text
from grit.data.jsonl import SampleFile
from grit.data.samples import Sample
from grit.figures.markdown_format import rows_markdown
from grit.figures.table import NOTHING, Cell, Column, Row, Section, Table
from grit.figures.terminal_format import print_table
from grit.grounding.boxes import union_area

_YES_NO = ("yes", "no")
_CHOICES = "Choices:"  # as MathVista lists them
_COLUMNS = (
    Column("", "Of", words=True),
    *(Column("", name) for name in ("Rows", "Question\nwords", "Answer\nwords")),
    *(Column("", name) for name in ("Closed\n%", "Grounding\n%", "Images\nmissing")),
)
_NOTE = (
    "Paper: table 2 of arXiv 2505.15879. Words: means. Closed: the answer is yes or no, or choices "
    "are listed. Grounding: area of the union of the boxes over the image's, averaged over all "
    "rows. Images missing: rows whose image is not there."
)


class SetStatistics(NamedTuple):
    """The figures of a test set in table 2; in ``table2.json`` they are not rounded."""

    rows: int
    question_words: float
    answer_words: float
    closed_percent: float  # the answer is yes or no, or choices are listed
    grounding_percent: float | None  # of the image's area; None if no row has a box
    images_missing: int | None = None  # rows whose image is not there; None: not printed


PRINTED = {
    "vsr": SetStatistics(288, 6.7, 1.0, 71.2, 58.8),
    "tallyqa": SetStatistics(491, 6.0, 1.0, 0.0, 25.6),
    "gqa": SetStatistics(509, 7.1, 1.0, 58.9, 25.3),
    "mathvista_mini": SetStatistics(1000, 38.2, 1.2, 70.8, None),
    "mme": SetStatistics(240, 13.3, 1.0, 100.0, None),
    "ovd_position": SetStatistics(2164, 16.4, 4.0, 0.0, 17.3),
}
"""What the paper prints, to one decimal."""


def set_statistics(read: SampleFile) -> SetStatistics:
    """The figures of a file that was read with all of its rows.

    Words are separated by white space. The grounding share is the area of the union of the boxes
    over that of the image, averaged over all rows; it is 0 for a row without boxes.
    """
    samples = read.samples
    grounded = any(sample.boxes for sample in samples)
    return SetStatistics(
        rows=read.rows,
        question_words=fmean([len(sample.question.split()) for sample in samples]),
        answer_words=fmean([len(sample.answer.split()) for sample in samples]),
        closed_percent=fmean([100.0 * is_closed(sample) for sample in samples]),
        grounding_percent=fmean([_grounded_percent(s) for s in samples]) if grounded else None,
        images_missing=read.missing_images,
    )


def is_closed(sample: Sample) -> bool:
    """Whether a question is answered by yes or no, or by one of the choices that it lists."""
    return sample.answer.strip().lower() in _YES_NO or _CHOICES in sample.question


def _grounded_percent(sample: Sample) -> float:
    image = sample.space.width * sample.space.height
    return 100.0 * union_area(sample.boxes or ()) / image


def print_table2(sets: Mapping[str, SetStatistics], console: Console | None = None) -> None:
    """Print the table for a terminal of 80 columns, and what its figures are."""
    print_table(_table(sets), console)


def write_table2(folder: Path, sets: Mapping[str, SetStatistics]) -> None:
    """Write ``table2.json``, not rounded, and ``table2.md``, with the digits of the paper."""
    write_json(folder / "table2.json", {name: found._asdict() for name, found in sets.items()})
    table = rows_markdown(_table(sets)).replace("\\_", "_")  # legible as text, too
    write_text(folder / "table2.md", f"{table}\n\n{_NOTE}\n")


def _table(sets: Mapping[str, SetStatistics]) -> Table:
    return Table("", _COLUMNS, (Section("", tuple(_rows(sets))),), (_NOTE,), "Set")


def _rows(sets: Mapping[str, SetStatistics]) -> Iterator[Row]:
    """For each set a row with what its file gives and one with what the paper printed."""
    for name, counted in sets.items():
        yield Row(name, tuple(map(_cell, ("files", *counted))))
        yield Row("", tuple(map(_cell, ("paper", *PRINTED[name][:-1], ""))))


def _cell(value: float | str | None) -> Cell:
    if value is None:
        return Cell(NOTHING)
    return Cell(f"{value:.1f}" if isinstance(value, float) else str(value))
