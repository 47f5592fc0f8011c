"""Tables and figures of the paper as parts of other pages: HTML, or Markdown for W&B."""

from markupsafe import Markup

from grit.pages.charts import Chart as DrawnChart
from grit.pages.charts import chart_svg as drawn_svg
from grit.pages.experiment import Section
from grit.pages.markup import inline_svg
from grit.paper.chart import Chart, chart_svg
from grit.paper.exhibit import Exhibit
from grit.paper.html_format import table_html
from grit.paper.markdown_format import table_markdown


def exhibit_section(exhibit: Exhibit) -> Section:
    """The charts and the tables below them."""
    parts = [_drawing(chart) for chart in exhibit.charts]
    parts += [table_html(table) for table in exhibit.shown]
    return Section(exhibit.title, Markup("").join(parts))


def exhibit_markdown(exhibit: Exhibit) -> str:
    """The tables alone; a figure's table has its numbers."""
    return "\n\n".join(table_markdown(table, level=3) for table in exhibit.shown) + "\n"


def _drawing(chart: Chart | DrawnChart) -> Markup:
    """A chart as an element of a page; Matplotlib's know no dark ground."""
    if isinstance(chart, DrawnChart):
        svg, kinds = drawn_svg(chart), "drawing"
    else:
        svg, kinds = chart_svg(chart), "drawing light"
    return Markup(f'<figure class="{kinds}">{inline_svg(svg)}</figure>')
