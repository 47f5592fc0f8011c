"""A table or figure of the paper as a whole, and its files."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grit.core.files import written_whole
from grit.pages.charts import Chart as DrawnChart
from grit.paper.chart import Chart, write_chart
from grit.paper.csv_format import csv_text
from grit.paper.drawing import write_drawing
from grit.paper.html_format import html_page
from grit.paper.latex_format import latex_text
from grit.paper.markdown_format import markdown_text
from grit.paper.table import Table
from grit.runs.places import without_places


@dataclass(frozen=True)
class Exhibit:
    """Tables and charts under one name; several tables where runs must not be mixed."""

    name: str
    title: str
    tables: tuple[Table, ...]
    charts: tuple[Chart | DrawnChart, ...] = ()

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
    """Write every format into ``folder`` and name the files."""
    pictures = []
    for number, chart in enumerate(exhibit.charts):
        stem = exhibit.name if number == 0 else f"{exhibit.name}-{number + 1}"
        pictures.append(folder / f"{stem}.svg")
        if isinstance(chart, DrawnChart):
            yield from write_drawing(chart, folder / stem)
        else:
            yield from write_chart(chart, folder / stem)
    texts = {
        "md": markdown_text(exhibit.title, exhibit.shown, [path.name for path in pictures]),
        "tex": latex_text(exhibit.title, exhibit.shown),
        "csv": csv_text(exhibit.shown),
        "html": html_page(
            exhibit.title, exhibit.shown, [path.read_text(encoding="utf-8") for path in pictures]
        ),
    }
    for ending, text in texts.items():
        path = folder / f"{exhibit.name}.{ending}"
        with written_whole(path) as stream:
            stream.write(text)
        yield path
