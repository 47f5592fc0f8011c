"""Tables as Markdown."""

from collections.abc import Sequence

from grit.figures.table import Cell, Column, Row, Table


def markdown_text(title: str, tables: Sequence[Table], pictures: Sequence[str] = ()) -> str:
    """A page of all tables, pictures first."""
    title = _escaped(title)
    parts = [f"# {title}", *(f"![{title}]({picture})" for picture in pictures)]
    return "\n\n".join([*parts, *(table_markdown(table) for table in tables)]) + "\n"


def table_markdown(table: Table, *, level: int = 2) -> str:
    """One table with its title above, as a heading of a level, and its notes below."""
    blocks = [f"{'#' * level} {_escaped(table.title)}", rows_markdown(table)]
    if table.notes:
        blocks.append("\n".join(f"- {_escaped(note)}" for note in table.notes))
    return "\n\n".join(blocks)


def rows_markdown(table: Table) -> str:
    """The rows below their headings, and nothing around them."""
    lines = [_line([table.corner, *(_heading(column) for column in table.columns)])]
    lines.append(_line(["---", *("---" if column.words else "---:" for column in table.columns)]))
    for section in table.sections:
        if section.title:
            lines.append(_line([f"**{_escaped(section.title)}**", *("" for _ in table.columns)]))
        lines += [_line([_label(row), *map(_cell, row.cells)]) for row in section.rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _heading(column: Column) -> str:
    return _escaped(f"{column.group} {column.name}".strip())


def _label(row: Row) -> str:
    return f"*{_escaped(row.label)}*" if row.paper else _escaped(row.label)


def _cell(cell: Cell) -> str:
    text = cell.text.replace("|", "\\|").replace("<", "\\<")  # of an answer
    return f"**{text}**" if cell.bold else text


def _escaped(text: str) -> str:
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
