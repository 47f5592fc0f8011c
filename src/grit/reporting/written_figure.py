"""A figure's files as a part of a page: for figures that take long to measure, after they are."""

import re
from itertools import groupby
from pathlib import Path

from markupsafe import Markup, escape

from grit.reporting.exhibits.sections import drawing
from grit.reporting.experiment import Section

_MARKED = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`")
_ELEMENTS = ("b", "em", "code")  # of the groups of _MARKED
_CELLS = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[|\s:-]+")  # the line below a table's headings


def written_section(stem: Path) -> Section:
    """The drawing of a figure, and what is written below it.

    Args:
        stem: the figure's files without their endings, of which each may be missing.
    """
    title, blocks = _blocks(stem)
    svg = stem.with_suffix(".svg")
    drawn = [drawing(svg.read_text(encoding="utf-8"))] if svg.is_file() else []
    kinds = groupby(blocks, key=lambda block: block[:2] if block[0] in "-|" else block[:1])
    return Section(title, Markup("\n").join([*drawn, *(_html(list(same)) for _, same in kinds)]))


def written_markdown(stem: Path) -> tuple[str, str]:
    """The title of a figure, and what is written below it as it is."""
    title, blocks = _blocks(stem)
    return title, "\n\n".join(blocks) + "\n"


def _blocks(stem: Path) -> tuple[str, list[str]]:
    """The title and the blocks of the figure's page, which is in the suite's own Markdown.

    That is paragraphs, lists, tables, bold, emphasis and code. Its link to the drawing is left out:
    it leads nowhere from another page.
    """
    path = stem.with_suffix(".md")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    blocks = [block for each in text.split("\n\n") if (block := each.strip("\n"))]
    title = stem.name
    if blocks and blocks[0].startswith("# "):
        title = blocks.pop(0).removeprefix("# ").strip()
    return title, [block for block in blocks if not block.startswith("![")]


def _html(blocks: list[str]) -> Markup:
    """Neighbouring blocks of one kind."""
    first = blocks[0]
    if first.startswith("- "):
        items = [line.removeprefix("- ") for block in blocks for line in block.splitlines()]
        listed = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
        return Markup('<ul class="notes">{}</ul>').format(listed)
    if first.startswith("|"):
        return Markup("").join(map(_table, blocks))
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
