"""A figure's files as a part of a page: for figures that take long to measure, after they are."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from markupsafe import Markup, escape

from grit.reporting.exhibits.sections import drawing
from grit.reporting.experiment import Section

_MARKED = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`")
_ELEMENTS = ("b", "em", "code")  # of the groups of _MARKED
_CELLS = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[|\s:-]+")  # the line below a table's headings


def written_section(name: str, paths: Sequence[Path]) -> Section:
    """The drawings among the files, and what the Markdown among them says."""
    drawings = [drawing(_text(path)) for path in paths if path.suffix == ".svg"]
    title, body = name, Markup("")
    for path in paths:
        if path.suffix == ".md":
            title, body = _page(_text(path), name)
    return Section(title, Markup("").join(drawings) + body)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _page(text: str, name: str) -> tuple[str, Markup]:
    """The title of a page in the suite's own Markdown, and the rest of it as HTML.

    It knows what the suite writes: paragraphs, lists, tables, bold, emphasis and code.
    """
    blocks = [block for block in text.split("\n\n") if block.strip()]
    title = name
    if blocks and blocks[0].startswith("# "):
        title = blocks.pop(0).removeprefix("# ").strip()
    kinds = groupby(blocks, key=lambda block: block[:2] if block[0] in "-|" else block[:1])
    return title, Markup("\n").join(_blocks(list(same)) for _, same in kinds)


def _blocks(blocks: list[str]) -> Markup:
    """Neighbouring blocks of one kind."""
    first = blocks[0]
    if first.startswith("- "):
        items = [line.removeprefix("- ") for block in blocks for line in block.splitlines()]
        listed = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
        return Markup('<ul class="notes">{}</ul>').format(listed)
    if first.startswith("|"):
        return Markup("").join(map(_table, blocks))
    if first.startswith("!["):
        return Markup("")  # the drawing itself is on the page
    return Markup("").join(Markup("<p>{}</p>").format(_inline(block)) for block in blocks)


def _table(block: str) -> Markup:
    lines = [_CELLS.split(line.strip())[1:-1] for line in block.splitlines() if not _is_rule(line)]
    heads, *rows = [[_inline(cell.strip()) for cell in line] for line in lines]
    return Markup(
        '<figure class="exhibit"><div class="scroll"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div></figure>"
    ).format(
        Markup("").join(Markup('<th scope="col">{}</th>').format(head) for head in heads),
        Markup("").join(map(_row, rows)),
    )


def _is_rule(line: str) -> bool:
    return "---" in line and _RULE.fullmatch(line) is not None


def _row(cells: list[Markup]) -> Markup:
    first, *rest = cells
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(
        first, Markup("").join(Markup("<td>{}</td>").format(cell) for cell in rest)
    )


def _inline(text: str) -> Markup:
    parts, done = [], 0
    for match in _MARKED.finditer(text):
        element = _ELEMENTS[(match.lastindex or 1) - 1]
        inside = escape(_plain(match[match.lastindex or 0]))
        parts += [
            escape(_plain(text[done : match.start()])),
            Markup(f"<{element}>{inside}</{element}>"),
        ]
        done = match.end()
    return Markup("").join([*parts, escape(_plain(text[done:]))])


def _plain(text: str) -> str:
    return re.sub(r"\\([\\`*_\[\]<>|])", r"\1", text)
