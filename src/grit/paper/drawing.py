"""A chart of ``grit.pages.charts`` as files: its own SVG, and the same as PNG."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from grit.core.files import write_bytes, written_whole
from grit.pages.charts import Chart, Panel, chart_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#1f5fbf", "#c07a00", "#8f8a81")  # of the SVG on light ground
BARS = 0.7  # of the place that a group of bars has


def write_drawing(chart: Chart, stem: Path) -> Iterator[Path]:
    """Write ``stem.svg`` and ``stem.png``; the same numbers give the same bytes."""
    picture = stem.with_suffix(".svg")
    with written_whole(picture) as stream:
        stream.write(chart_svg(chart))
    yield picture
    path = stem.with_suffix(".png")
    write_bytes(path, _drawn(chart))
    yield path


def _drawn(chart: Chart) -> bytes:
    from matplotlib import rc_context  # takes a second
    from matplotlib.figure import Figure

    height = max(1, len(chart.panels))
    with rc_context({"font.size": 9, "axes.titlesize": 9}):
        figure = Figure(figsize=(6.4, 0.8 + 2.6 * height), layout="constrained")
        figure.suptitle(f"{chart.title}\n{chart.note}", fontsize=9)
        axes = figure.subplots(height, 1, squeeze=False)[:, 0]
        for axis, panel in zip(axes, chart.panels, strict=False):
            _panel(axis, panel, chart)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None}, dpi=160)
        return content.getvalue()


def _panel(axis: "Axes", panel: Panel, chart: Chart) -> None:
    from matplotlib.ticker import MaxNLocator

    if panel.groups:
        _bars(axis, panel, chart)
    else:
        for at, line in enumerate(panel.lines):
            values = [float("nan") if value is None else value for value in line.values]
            axis.plot(
                range(1, len(values) + 1),
                values,
                color=COLOURS[at],
                label=chart.series[at],
                marker=".",  # also of a point between two gaps
            )
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chart.reference is not None:
        height, name = chart.reference
        axis.axhline(height, color="black", linestyle="--", linewidth=0.8)
        place = axis.get_yaxis_transform()  # across the frame, up by values
        axis.text(1, height, name, ha="right", va="bottom", transform=place)
    axis.set_ylim(0, chart.top)
    axis.set_title(panel.title)
    axis.set_xlabel(chart.x_label)
    axis.set_ylabel(chart.y_label)
    axis.grid(axis="y", alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _bars(axis: "Axes", panel: Panel, chart: Chart) -> None:
    width = BARS / len(chart.series)
    for at, name in enumerate(chart.series):
        shift = (at - (len(chart.series) - 1) / 2) * width
        there = [
            (place + shift, bar, bar.mean)
            for place, group in enumerate(panel.groups)
            if (bar := group.bars[at]) is not None and bar.mean is not None
        ]
        axis.bar(
            [place for place, _, _ in there],
            [mean for _, _, mean in there],
            width,
            color=COLOURS[at],
            label=name,
        )
        for place, bar, _ in there:
            if bar.low is not None and bar.high is not None:
                axis.vlines(place, bar.low, bar.high, color="black", linewidth=1)
    axis.set_xticks(range(len(panel.groups)), [group.label for group in panel.groups])
