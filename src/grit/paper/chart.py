"""Line charts with error bars, as SVG and PNG."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grit.core.files import write_bytes
from grit.paper.seeds import Mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # of Okabe and Ito: for all eyes
MARKERS = ("o", "s", "^", "D")  # and for prints without colour
_METADATA = {"svg": {"Date": None}, "png": {"Software": None}}  # by ending; None: left out


@dataclass(frozen=True)
class Series:
    """One line: a number for each place on the horizontal axis."""

    name: str
    points: tuple[tuple[float, Mean], ...]


@dataclass(frozen=True)
class Panel:
    """Lines that share axes."""

    title: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Chart:
    """Panels side by side; the horizontal axis is logarithmic."""

    title: str
    x_label: str
    y_label: str
    panels: tuple[Panel, ...]


def write_chart(chart: Chart, stem: Path) -> Iterator[Path]:
    """Write ``stem.svg`` and ``stem.png``; the same numbers give the same bytes."""
    with _drawn(chart) as figure:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for ending, metadata in _METADATA.items():
            path, content = stem.with_suffix(f".{ending}"), io.BytesIO()
            figure.savefig(content, format=ending, metadata=metadata, dpi=160)
            write_bytes(path, content.getvalue())
            yield path


def chart_svg(chart: Chart) -> str:
    """The text of the chart's SVG file."""
    stream = io.StringIO()
    with _drawn(chart) as figure:
        figure.savefig(stream, format="svg", metadata=_METADATA["svg"])
    return stream.getvalue()


@contextmanager
def _drawn(chart: Chart) -> Iterator["Figure"]:
    from matplotlib import rc_context  # takes a second
    from matplotlib.figure import Figure

    width = max(1, len(chart.panels))
    with rc_context({"svg.hashsalt": "grit", "font.size": 9, "axes.titlesize": 9}):
        figure = Figure(figsize=(1 + 3.2 * width, 3.2), layout="constrained")
        figure.suptitle(chart.title, fontsize=9)
        axes = figure.subplots(1, width, sharey=True, squeeze=False)[0]
        for axis, panel in zip(axes, chart.panels, strict=False):
            _draw(axis, panel, chart)
        yield figure


def _draw(axis: "Axes", panel: Panel, chart: Chart) -> None:
    for place, series in enumerate(panel.series):
        if not series.points:
            continue
        places = [x for x, _ in series.points]
        means = [mean.mean for _, mean in series.points]
        bars = [_bar(mean) for _, mean in series.points]
        axis.errorbar(
            places,
            means,
            yerr=tuple(zip(*bars, strict=True)),
            label=series.name,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=4,
            capsize=3,
        )
    places = sorted({x for series in panel.series for x, _ in series.points})
    if places:
        axis.set_xscale("log")
        axis.set_xticks(places, [f"{place:g}" for place in places], minor=False)
        axis.minorticks_off()
        axis.legend(frameon=False)
    else:
        axis.text(0.5, 0.5, "missing", ha="center", transform=axis.transAxes)
    axis.set_title(panel.title)
    axis.set_xlabel(chart.x_label)
    axis.set_ylabel(chart.y_label)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def _bar(mean: Mean) -> tuple[float, float]:
    """How far the interval reaches below and above the mean."""
    if mean.low is None or mean.high is None:
        return 0.0, 0.0
    return max(0.0, mean.mean - mean.low), max(0.0, mean.high - mean.mean)
