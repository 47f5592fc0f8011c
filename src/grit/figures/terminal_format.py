"""Tables for a terminal of 80 columns."""

from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from grit.figures.table import Cell, Table

_MOST_WIDE = 7  # columns of numbers that leave room for more than a space between them
_EVERYWHERE = str.maketrans({"–": "-", "−": "-"})
_ASCII = str.maketrans({"█": "#", "░": ".", "±": "+"})


def print_table(table: Table, console: Console | None = None, *, title: str | None = None) -> None:
    """Print a table and its notes; one without headings is a list of labels and texts."""
    console = console or Console()
    headed = any(column.name for column in table.columns)
    words = sum(column.words for column in table.columns)
    wide = 0 if len(table.columns) - words > _MOST_WIDE else 1
    shown = RichTable(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD if headed else box.SIMPLE,
        show_header=headed,
        pad_edge=False,
        padding=(0, wide, 0, 0 if words else wide),
    )
    shown.add_column(Text(table.corner), overflow="fold")
    for column in table.columns:
        justify: Literal["left", "right"] = "left" if column.words else "right"
        overflow: Literal["crop", "fold"] = "crop" if headed else "fold"
        heading = Text(f"{column.group} {column.name}".strip())
        shown.add_column(heading, justify=justify, no_wrap=headed, overflow=overflow)
    ascii_only = console.options.ascii_only
    for section in table.sections:
        for row in section.rows:
            # Text, because names may hold the square brackets that rich reads as markup.
            label = Text(printable(row.label, ascii_only))
            shown.add_row(label, *(_cell(cell, ascii_only) for cell in row.cells))
    console.print(shown)
    for note in table.notes:
        console.print(note, markup=False, highlight=False)


def printable(text: str, ascii_only: bool = False) -> str:
    """Without what a terminal would obey, or could not show."""
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text).translate(_EVERYWHERE)
    return text.translate(_ASCII).encode("ascii", "replace").decode() if ascii_only else text


def _cell(cell: Cell, ascii_only: bool) -> Text:
    return Text(printable(cell.text, ascii_only), style="bold red" if cell.warning else "")
