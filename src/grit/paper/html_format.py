"""Tables as HTML: one self-contained page, or a fragment for another page."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from grit.pages.markup import environment, inline_svg
from grit.paper.table import Table


def html_page(title: str, tables: Sequence[Table], pictures: Sequence[str] = ()) -> str:
    """A page that needs no network.

    Args:
        title: of the page.
        tables: one below the other.
        pictures: SVG documents, shown first.
    """
    drawings = [inline_svg(each) for each in pictures]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(title=title, tables=tables, drawings=drawings)
    )


def table_html(table: Table) -> Markup:
    """The ``figure`` element of one table."""
    return Markup(_environment().get_template("table.html.jinja").render(table=table))


def _groups(table: Table) -> list[tuple[str, int]]:
    """Headings over neighbouring columns, with how many they span; [] where there is none."""
    if not any(column.group for column in table.columns):
        return []
    grouped = groupby(table.columns, key=lambda column: column.group)
    return [(group, len(list(columns))) for group, columns in grouped]


def _environment() -> Environment:
    found = environment(Path(__file__).parent)
    found.globals["groups"] = _groups
    return found
