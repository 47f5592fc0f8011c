"""Tables and figures of the paper as parts of other pages: HTML, or Markdown for W&B."""

from markupsafe import Markup

from grit.reporting.exhibits.chart import chart_svg
from grit.reporting.exhibits.exhibit import Exhibit
from grit.reporting.exhibits.html_format import table_html
from grit.reporting.exhibits.markdown_format import table_markdown
from grit.reporting.experiment import Section


def exhibit_section(exhibit: Exhibit) -> Section:
    """The charts and the tables below them."""
    parts = [drawing(chart_svg(chart), light=True) for chart in exhibit.charts]
    parts += [table_html(table) for table in exhibit.tables]
    return Section(exhibit.title, Markup("").join(parts))


def exhibit_markdown(exhibit: Exhibit) -> str:
    """The tables alone; a figure's table has its numbers."""
    return "\n\n".join(table_markdown(table, level=3) for table in exhibit.tables) + "\n"


def drawing(svg: str, *, light: bool = False) -> Markup:
    """The text of an SVG file as an element of a page; ``light``: it knows no dark ground."""
    # The XML declaration and document type of a file have no place inside of a page.
    kinds = "drawing light" if light else "drawing"
    return Markup(f'<figure class="{kinds}">{svg[svg.index("<svg") :]}</figure>')
