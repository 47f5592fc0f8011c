"""A table or figure of the paper as a whole: its files, and what other pages show of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from grit.core.files import write_bytes, write_text
from grit.figures.chart import Chart
from grit.figures.csv_format import csv_text
from grit.figures.html_format import drawing_html, html_page, table_html
from grit.figures.latex_format import latex_text
from grit.figures.markdown_format import markdown_text, table_markdown
from grit.figures.places import without_places
from grit.figures.png import png_bytes
from grit.figures.svg import chart_svg
from grit.figures.table import Table


@dataclass(frozen=True)
class Exhibit:
    """Tables and charts under one name; several tables where runs must not be mixed."""

    name: str
    title: str
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()

    @property
    def shown(self) -> tuple[Table, ...]:
        """Its tables for anybody to read: titles and notes without the paths of this machine."""
        return tuple(
            replace(
                table,
                title=without_places(table.title),
                notes=tuple(map(without_places, table.notes)),
            )
            for table in self.tables
        )


def write_exhibit(exhibit: Exhibit, folder: Path) -> Iterator[Path]:
    """Write every format into ``folder`` and name the files; the same numbers, the same bytes."""
    drawings = {}
    for number, chart in enumerate(exhibit.charts):
        path = folder / (exhibit.name + f"-{number + 1}" * bool(number) + ".svg")
        drawings[path.name] = chart_svg(chart)
        yield _written(path, drawings[path.name])
        write_bytes(path.with_suffix(".png"), png_bytes(drawings[path.name]))
        yield path.with_suffix(".png")
    texts = {
        "md": markdown_text(exhibit.title, exhibit.shown, list(drawings)),
        "tex": latex_text(exhibit.title, exhibit.shown),
        "csv": csv_text(exhibit.shown),
        "html": html_page(exhibit.title, exhibit.shown, list(drawings.values())),
    }
    for ending, text in texts.items():
        yield _written(folder / f"{exhibit.name}.{ending}", text)


def exhibit_html(exhibit: Exhibit) -> Markup:
    """The charts and the tables below them, as a part of a page."""
    drawings = map(drawing_html, map(chart_svg, exhibit.charts))
    return Markup("").join([*drawings, *map(table_html, exhibit.shown)])


def exhibit_markdown(exhibit: Exhibit) -> str:
    """The tables alone; a figure's table has its numbers."""
    return "\n\n".join(table_markdown(table, level=3) for table in exhibit.shown) + "\n"


def _written(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
