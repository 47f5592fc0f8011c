"""Tables and drawings as HTML: one self-contained page, or parts of another page."""

from collections.abc import Sequence

from markupsafe import Markup

from grit.figures.markup import environment
from grit.figures.table import Table


def html_page(title: str, tables: Sequence[Table], drawings: Sequence[str] = ()) -> str:
    """A page that needs no network: SVG documents, and tables below them."""
    figures = [*map(drawing_html, drawings), *map(table_html, tables)]
    page = environment().get_template("exhibit.html.jinja")
    return page.render(title=title, figures=figures)


def table_html(table: Table) -> Markup:
    """The ``figure`` element of one table."""
    return Markup(environment().get_template("table.html.jinja").render(table=table))


def drawing_html(svg: str) -> Markup:
    """The ``figure`` element of an SVG file's text, without a declaration and document type."""
    return Markup(f'<figure class="drawing">{svg[svg.index("<svg") :]}</figure>\n')
