"""The paper's table 2, what the files give beside what the paper printed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grit.core.files import write_json, written_whole
from grit.data.statistics import SetStatistics

_NONE = "-"
_HEADINGS = (
    *("Set", "Of", "Rows", "Question words", "Answer words"),
    *("Closed %", "Grounding %", "Images missing"),
)
_NOTE = (
    "Paper: table 2 of arXiv 2505.15879. Words: means. Closed: the answer is yes or no, or choices "
    "are listed. Grounding: area of the union of the boxes over the image's, averaged over all "
    "rows. Images missing: rows whose image is not there."
)


class Printed(NamedTuple):
    """What the paper prints of a set."""

    rows: int
    question_words: float
    answer_words: float
    closed_percent: float
    grounding_percent: float | None


PRINTED = {
    "vsr": Printed(288, 6.7, 1.0, 71.2, 58.8),
    "tallyqa": Printed(491, 6.0, 1.0, 0.0, 25.6),
    "gqa": Printed(509, 7.1, 1.0, 58.9, 25.3),
    "mathvista_mini": Printed(1000, 38.2, 1.2, 70.8, None),
    "mme": Printed(240, 13.3, 1.0, 100.0, None),
    "ovd_position": Printed(2164, 16.4, 4.0, 0.0, 17.3),
}


def print_table2(sets: Mapping[str, SetStatistics], console: Console | None = None) -> None:
    """Print the table for a terminal of 80 columns, and what its figures are."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in _HEADINGS:
        is_text = heading in _HEADINGS[:2]
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(heading.replace(" ", "\n"), justify=justify, no_wrap=is_text)
    for line in _lines(sets):
        table.add_row(*(Text(cell) for cell in line))
    console = console or Console()
    console.print(table)
    console.print(_NOTE, markup=False, highlight=False)


def write_table2(folder: Path, sets: Mapping[str, SetStatistics]) -> None:
    """Write ``table2.json``, not rounded, and ``table2.md``, with the digits of the paper."""
    write_json(folder / "table2.json", {name: found.as_row() for name, found in sets.items()})
    rule = ["---", "---"] + ["---:"] * len(_HEADINGS[2:])
    with written_whole(folder / "table2.md") as stream:
        for cells in (_HEADINGS, rule, *_lines(sets)):
            stream.write("| " + " | ".join(cells) + " |\n")
        stream.write(f"\n{_NOTE}\n")


def _lines(sets: Mapping[str, SetStatistics]) -> Iterator[list[str]]:
    """For each set a line with what its file gives and one with what the paper printed."""
    for name, found in sets.items():
        row, printed = found.as_row(), PRINTED[name]._asdict()
        figures = [_shown(row[field]) for field in printed]  # to the one decimal that it prints
        yield [name, "files", *figures, str(found.images_missing)]
        yield ["", "paper", *map(_shown, printed.values()), ""]


def _shown(value: float | None) -> str:
    if value is None:
        return _NONE
    return str(value) if isinstance(value, int) else f"{value:.1f}"
