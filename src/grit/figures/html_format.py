"""Tables and drawings as HTML: one self-contained page, or parts of another page."""

from collections.abc import Sequence
from itertools import groupby

from jinja2 import Environment
from markupsafe import Markup

from grit.figures.markup import environment
from grit.figures.table import Table


def html_page(title: str, tables: Sequence[Table], drawings: Sequence[str] = ()) -> str:
    """A page that needs no network: SVG documents, and tables below them."""
    figures = [*map(drawing_html, drawings), *map(table_html, tables)]
    page = _environment().get_template("exhibit.html.jinja")
    return page.render(title=title, figures=figures)


def table_html(table: Table) -> Markup:
    """The ``figure`` element of one table."""
    return Markup(_environment().get_template("table.html.jinja").render(table=table))


def drawing_html(svg: str) -> Markup:
    """The ``figure`` element of an SVG file's text, without a declaration and document type."""
    return Markup(f'<figure class="drawing">{svg[svg.index("<svg") :]}</figure>\n')


def _groups(table: Table) -> list[tuple[str, int]]:
    """Headings over neighbouring columns, with how many they span; [] where there is none."""
    if not any(column.group for column in table.columns):
        return []
    grouped = groupby(table.columns, key=lambda column: column.group)
    return [(group, len(list(columns))) for group, columns in grouped]


def _environment() -> Environment:
    templates = environment()
    templates.globals["groups"] = _groups
    return templates
