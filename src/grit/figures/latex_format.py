"""Tables as LaTeX, in the style of booktabs."""

from collections.abc import Sequence

from grit.figures.table import Cell, Row, Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "“": "``",
    "”": "''",
}


def latex_text(title: str, tables: Sequence[Table]) -> str:
    r"""All tables, to be taken in with ``\input``."""
    head = f"% {title}\n% needs \\usepackage{{booktabs}}"
    return "\n\n".join([head, *(table_latex(title, table) for table in tables)]) + "\n"


def table_latex(title: str, table: Table) -> str:
    """One ``table`` environment; the notes are below the rows."""
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{_escaped(title)} ({_escaped(table.title)})}}",
        rf"\begin{{tabular}}{{l{''.join('l' if c.words else 'r' for c in table.columns)}}}",
        r"\toprule",
        *_heading(table),
        r"\midrule",
    ]
    for number, section in enumerate(table.sections):
        if number:
            lines.append(r"\midrule")
        if section.title:
            span = len(table.columns) + 1
            lines.append(rf"\multicolumn{{{span}}}{{l}}{{\emph{{{_escaped(section.title)}}}}} \\")
        lines += [_line([_label(row), *map(_cell, row.cells)]) for row in section.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    for note in table.notes:
        lines += [r"\par", rf"\footnotesize {_escaped(note)}"]
    return "\n".join([*lines, r"\end{table}"])


def _heading(table: Table) -> list[str]:
    names = _line([_escaped(table.corner), *(_escaped(column.name) for column in table.columns)])
    if not table.groups:
        return [names]
    groups, rules, first = [""], [], 2
    for group, width in table.groups:
        groups.append(rf"\multicolumn{{{width}}}{{c}}{{{_escaped(group)}}}")
        rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    return [_line(groups), "".join(rules), names]


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _label(row: Row) -> str:
    return rf"\quad\emph{{{_escaped(row.label)}}}" if row.paper else _escaped(row.label)


def _cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    return rf"\textbf{{{text}}}" if cell.bold else text


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in " ".join(text.split()))
