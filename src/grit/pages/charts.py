"""Charts as SVG files of their own: readable on light and on dark ground, without any script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.pages.curves import short, ticks
from grit.pages.markup import environment

WIDTH, HEIGHT = 640, 250  # of a panel with its margins, in the SVG's own unit
HEAD, FOOT = 62, 16  # above the panels: title, note and legend; below them: the x axis's label
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 26, 40
_WIDEST_BAR = 34


class BarGroup(NamedTuple):
    """Bars side by side over one label: an estimate for each series; None where there is none."""

    label: str
    bars: tuple[Estimate | None, ...]


class Line(NamedTuple):
    """A curve over 1, 2, ...; None where it has no value."""

    values: tuple[float | None, ...]


class Panel(NamedTuple):
    """One frame of a chart: groups of bars, or lines."""

    title: str
    groups: tuple[BarGroup, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A chart: panels under one another, that share title, legend and unit."""

    title: str
    note: str
    series: tuple[str, ...]  # the legend, in the order of bars and lines
    panels: tuple[Panel, ...]
    y_label: str
    x_label: str = ""
    reference: tuple[float, str] | None = None  # a dashed line, and what it stands for
    top: float | None = None  # of the axis; None: what the values need


class _Bar(NamedTuple):
    series: int
    x: float
    y: float
    width: float
    height: float
    whisker: tuple[float, float] | None  # y of the interval's ends
    value: str


class _Frame(NamedTuple):
    """A panel, ready to draw."""

    title: str
    offset: float
    grid: tuple[tuple[float, str], ...]  # y and label
    reference: float | None
    bars: tuple[_Bar, ...]
    labels: tuple[tuple[float, str], ...]  # x and text, below the axis
    paths: tuple[tuple[int, str], ...]  # series and path data


def chart_svg(chart: Chart) -> str:
    """The chart as the text of an SVG file."""
    frames = [_frame(chart, panel, number) for number, panel in enumerate(chart.panels)]
    return (
        environment()
        .get_template("chart.svg.jinja")
        .render(
            chart=chart,
            frames=frames,
            size=(WIDTH, HEAD + HEIGHT * len(frames) + FOOT * bool(chart.x_label)),
            edges=(_LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM),
        )
    )


def _frame(chart: Chart, panel: Panel, number: int) -> _Frame:
    scale = _Scale.over(_values(panel), chart.top)
    bars = [bar for at in range(len(panel.groups)) for bar in _bars(panel.groups, at, scale)]
    return _Frame(
        title=panel.title,
        offset=HEAD + number * HEIGHT,
        grid=tuple((scale.y(value), short(value)) for value in scale.ticks),
        reference=None if chart.reference is None else scale.y(chart.reference[0]),
        bars=tuple(bars),
        labels=tuple(_labels(panel)),
        paths=tuple(
            (series, _path(line.values, _longest(panel), scale))
            for series, line in enumerate(panel.lines)
        ),
    )


@dataclass(frozen=True)
class _Scale:
    """Where a value stands in a panel."""

    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Sequence[float], top: float | None) -> "_Scale":
        return cls(tuple(ticks(0.0, max(values, default=1.0) if top is None else top)))

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        up = (value - low) / (high - low)
        return round(HEIGHT - _BOTTOM - up * (HEIGHT - _BOTTOM - _TOP), 1)

    def within(self, value: float) -> float:
        """The same, at the frame's edge for what lies outside: of few runs, intervals often do."""
        return self.y(min(max(value, self.ticks[0]), self.ticks[-1]))


def _values(panel: Panel) -> list[float]:
    ends = [bar.high for group in panel.groups for bar in group.bars if bar is not None]
    means = [bar.mean for group in panel.groups for bar in group.bars if bar is not None]
    points = [value for line in panel.lines for value in line.values]
    return [value for value in (*ends, *means, *points) if value is not None]


def _bars(groups: Sequence[BarGroup], at: int, scale: _Scale) -> list[_Bar]:
    slot = (WIDTH - _LEFT - _RIGHT) / len(groups)
    found = groups[at].bars
    width = min(_WIDEST_BAR, slot * 0.8 / len(found))
    left = _LEFT + slot * (at + 0.5) - width * len(found) / 2
    bars = []
    for series, bar in enumerate(found):
        if bar is None or bar.mean is None:
            continue
        y = scale.y(bar.mean)
        ends = None if bar.low is None or bar.high is None else (bar.low, bar.high)
        bars.append(
            _Bar(
                series=series,
                x=round(left + series * width + 1, 1),
                y=y,
                width=round(width - 2, 1),
                height=round(scale.y(scale.ticks[0]) - y, 1),
                whisker=None if ends is None else (scale.within(ends[0]), scale.within(ends[1])),
                value=short(bar.mean),
            )
        )
    return bars


def _labels(panel: Panel) -> list[tuple[float, str]]:
    inner = WIDTH - _LEFT - _RIGHT
    if panel.groups:
        slot = inner / len(panel.groups)
        return [(round(_LEFT + slot * (i + 0.5), 1), g.label) for i, g in enumerate(panel.groups)]
    longest = _longest(panel)
    marks = sorted({1, *range(10, longest, 10), longest})
    return [(_x(mark, longest), str(mark)) for mark in marks]


def _longest(panel: Panel) -> int:
    return max((len(line.values) for line in panel.lines), default=1)


def _x(place: int, longest: int) -> float:
    across = (place - 1) / max(1, longest - 1)
    return round(_LEFT + across * (WIDTH - _LEFT - _RIGHT), 1)


def _path(values: Sequence[float | None], longest: int, scale: _Scale) -> str:
    """Path data; a new piece begins after each gap."""
    path, pen = "", "M"
    for place, value in enumerate(values, start=1):
        if value is None:
            pen = "M"
            continue
        path += f"{pen}{_x(place, longest):g} {scale.y(value):g}"
        pen = "L"
    return path
