"""Charts as SVG: readable on light and on dark ground, without scripts."""

from collections.abc import Iterable, Sequence
from math import cos, radians, sin

from markupsafe import Markup, escape

from grit.figures.axes import Axes, Frame, short, ticks
from grit.figures.chart import Chart, Panel, Point, Series
from grit.figures.markup import legible

WIDTH, HEIGHT = 640, 250  # of a panel with its margins
HEAD = 62  # above the panels: title, note and legend
_NARROW = 320  # width of panels that stand side by side
_MARGINS = {"left": 58, "right": 16, "top": 26, "bottom": 40}
_WIDEST_BAR = 34
_CHARACTER = 6.4  # width of a letter, about
_LONGEST = 40  # letters of a name; tables have the rest
_SLANT = 40  # degrees, of names that would run into each other
_MIDDLE = {"text_anchor": "middle"}
_APART = 8  # between lines of one panel whose intervals would hide each other
_ROOM = 1.5  # factor of a logarithmic axis beyond its outermost points
COLORS = ("s0", "s1", "s2", "s3")  # classes of the series
_MARKERS = (  # by series: also for prints without colour
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-3.5-3.5h7v7h-7z",
    "M0-4.5L4.5 3.5h-9z",
    "M0-5L5 0L0 5L-5 0z",
)
_LIGHT = ("#fbfaf8", "#e3dfd8", "#1d1c1a", "#66625b", "#1f5fbf", "#c07a00", "#8f8a81", "#8b4fb8")
_DARK = ("#141517", "#34363a", "#ecebe8", "#a9a69f", "#7db0ff", "#e0a640", "#7f7c76", "#c695ee")
_STYLE = """
.chart { font: 12px "Inter", "Segoe UI", "Helvetica Neue", Helvetica, Arial, sans-serif; }
.chart .title { font-size: 16px; font-weight: 600; }
.chart .panel { font-weight: 600; }
.chart .reference { stroke-dasharray: 4 4; opacity: .6; }
.chart .whisker { stroke-width: 1.5; }
.chart .value { font-size: 10px; font-weight: 600; }
.chart path { stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart path.line { fill: none; }
.chart path.mark, .chart rect.bar { stroke: none; }
"""


def chart_svg(chart: Chart) -> str:
    """The chart as the text of an SVG file."""
    narrow = max(_NARROW, WIDTH / max(1, len(chart.panels)))
    frame = Frame(narrow if chart.across else WIDTH, HEIGHT, **_MARGINS)
    for panel in chart.panels:
        frame = _with_room(panel, frame)
    steps = (frame.width, 0) if chart.across else (0, frame.height)  # from a panel to the next
    more = max(0, len(chart.panels) - 1)
    width = frame.width + more * steps[0]
    height = HEAD + frame.height * bool(chart.panels) + more * steps[1]
    parts = [
        tag("title", chart.title),
        tag("style", Markup(_STYLE + _colors(_LIGHT) + _on_dark(_colors(_DARK)))),
        tag("rect", class_="page", width="100%", height="100%", rx=10),
        tag("text", chart.title, class_="title", x=16, y=24),
        tag("text", chart.note, x=16, y=41),
        *_legend(chart),
    ]
    for number, panel in enumerate(chart.panels):
        offset = f"translate({number * steps[0]:g},{HEAD + number * steps[1]:g})"
        parts.append(tag("g", *_panel(chart, panel, frame), transform=offset))
    size = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    about = {"class_": "chart", "xmlns": "http://www.w3.org/2000/svg", "role": "img"}
    return f"{tag('svg', *parts, **about, **size, aria_label=chart.title)}\n"


def tag(name: str, *content: str, **attributes: object) -> Markup:
    """An element; text and attributes are escaped. ``class_`` is ``class``, ``_`` becomes ``-``."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(legible(str(value)))}"'
        for key, value in attributes.items()
    )
    inside = Markup("\n" if len(content) > 1 else "").join(
        escape(legible(part)) for part in content
    )
    return Markup(f"<{name}{said}>{inside}</{name}>" if content else f"<{name}{said}/>")


def axes_of(chart: Chart, panel: Panel, frame: Frame) -> Axes:
    """The axes of a panel, which side by side with others has those of all."""
    together = chart.panels if chart.across else (panel,)
    values = [
        value
        for shown in together
        for point in shown.points
        for value in point[1:]
        if value is not None
    ]
    xs = [point.x for shown in together for series in shown.series for point in series.points]
    low, high = min(values, default=0.0), max(values, default=1.0)
    ends = (min(xs, default=1.0), max(xs, default=1.0))
    if panel.groups:
        ends = (-0.5, len(panel.groups) - 0.5)
    elif chart.log_x:
        ends = (ends[0] / _ROOM, ends[1] * _ROOM)
    y_ticks = ticks(low if chart.across else 0.0, high if chart.top is None else chart.top)
    return Axes(frame, ends, y_ticks, chart.log_x)


def _panel(chart: Chart, panel: Panel, frame: Frame) -> Iterable[Markup]:
    axes = axes_of(chart, panel, frame)
    left, right, bottom = frame.left, frame.width - frame.right, frame.height - frame.bottom
    yield tag("text", panel.title, class_="panel", x=left, y=18)
    yield from grid(axes)
    yield from marks(panel, axes)
    if chart.reference is not None:
        value, name = chart.reference
        y = axes.y(value)
        yield tag("line", class_="reference", x1=left, x2=right, y1=y, y2=y)
        yield tag("text", name, x=right, y=y - 4, text_anchor="end")
    slanted = frame.bottom > _MARGINS["bottom"]
    for x, label in _places(panel, axes):
        turned = {"text_anchor": "end", "transform": f"rotate(-{_SLANT} {x:g} {bottom + 14:g})"}
        yield tag("text", label, x=x, **{"y": bottom + 18} | (turned if slanted else _MIDDLE))
    if chart.x_label:
        yield tag("text", chart.x_label, x=(left + right) / 2, y=frame.height - 6, **_MIDDLE)
    x, y = left - 44, (frame.top + bottom) / 2
    yield tag("text", chart.y_label, x=x, y=y, **_MIDDLE, transform=f"rotate(-90 {x:g} {y:g})")


def grid(axes: Axes, *, labels: bool = True) -> Iterable[Markup]:
    """A line and a label for each tick of the y axis."""
    frame = axes.frame
    for value in axes.y_ticks:
        y = axes.y(value)
        yield tag("line", class_="grid", x1=frame.left, x2=frame.width - frame.right, y1=y, y2=y)
        if labels:
            yield tag("text", short(value), x=frame.left - 6, y=y + 4, text_anchor="end")


def marks(panel: Panel, axes: Axes, classes: Sequence[str] = COLORS) -> Iterable[Markup]:
    """What shows the values: bars, stacked areas, or lines with their points and intervals."""
    below = [Point(point.x, 0.0) for point in panel.series[0].points] if panel.series else []
    with_intervals = any(point.low is not None for point in panel.points)
    for number, series in enumerate(panel.series):
        color = classes[number % len(classes)]
        if panel.groups:
            yield from _bars(panel, number, axes, color)
        elif panel.stacked:
            above = [
                Point(low.x, (low.mean or 0.0) + (point.mean or 0.0))
                for low, point in zip(below, series.points, strict=True)
            ]
            yield tag("path", class_=color, d=axes.area(below, above))
            below = above
        else:
            shift = (number - (len(panel.series) - 1) / 2) * _APART * with_intervals
            yield from _line(series, axes.moved(shift), color, _MARKERS[number % len(_MARKERS)])


def _bars(panel: Panel, number: int, axes: Axes, color: str) -> Iterable[Markup]:
    count = len(panel.series)
    width = min(_WIDEST_BAR, (axes.x(1) - axes.x(0)) * 0.8 / count)
    floor = axes.y(axes.y_ticks[0])
    for point in panel.series[number].points:
        if point.mean is None:
            continue
        middle = round(axes.x(point.x) + (number + 0.5 - count / 2) * width, 1)
        bar = {"x": round(middle - width / 2 + 1, 1), "width": round(width - 2, 1), "rx": 2}
        y = axes.y(point.mean)
        yield tag("rect", class_=f"bar {color}", y=y, height=round(floor - y, 2), **bar)
        yield from _whisker(point, axes, middle)
        value = {"class_": "value", "x": middle, "text_anchor": "middle"}
        yield tag("text", short(point.mean), y=floor - 7, **value)


def _line(series: Series, axes: Axes, color: str, marker: str) -> Iterable[Markup]:
    """A line; points that have an interval, or no neighbour, are marked."""
    path = axes.path(series.points)
    if path:
        yield tag("path", class_=f"line {color}", d=path)
    points = [Point(0, None), *series.points, Point(0, None)]
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        alone = before.mean is None and after.mean is None
        if point.mean is not None and (point.low is not None or alone):
            x, y = axes.x(point.x), axes.y(point.mean)
            yield from _whisker(point, axes, x, color)
            yield tag("path", class_=f"mark {color}", d=marker, transform=f"translate({x:g},{y:g})")


def _whisker(point: Point, axes: Axes, x: float, color: str = "") -> Iterable[Markup]:
    if point.low is not None and point.high is not None:
        ends = {"y1": axes.y(point.low), "y2": axes.y(point.high)}
        yield tag("line", class_=f"whisker {color}".strip(), x1=x, x2=x, **ends)


def _with_room(panel: Panel, frame: Frame) -> Frame:
    """The frame with room for the groups' names, which are slanted where they do not fit."""
    lengths = [_CHARACTER * len(_short(name)) for name in panel.groups]
    apart = (frame.width - frame.left - frame.right) / max(1, len(lengths))
    if max(lengths, default=0.0) <= apart:
        return frame
    down, across = sin(radians(_SLANT)), cos(radians(_SLANT))
    before = max(across * length - place * apart for place, length in enumerate(lengths))
    bottom = max(frame.bottom, round(_MARGINS["bottom"] + down * max(lengths)))
    return frame._replace(
        left=max(frame.left, round(before)),
        bottom=bottom,
        height=frame.height + bottom - frame.bottom,
    )


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _places(panel: Panel, axes: Axes) -> list[tuple[float, str]]:
    """Labels below the x axis: of groups, of the places with an interval, or of round numbers."""
    if panel.groups:
        return [(axes.x(place), _short(name)) for place, name in enumerate(panel.groups)]
    xs = sorted({point.x for series in panel.series for point in series.points})
    if not axes.log_x:
        last = int(xs[-1]) if xs else 1
        xs = sorted({1, *range(10, last, 10), last})
    return [(axes.x(x), f"{x:g}") for x in xs]


def _legend(chart: Chart) -> Iterable[Markup]:
    x = 16.0
    for number, name in enumerate(chart.legend):
        color = COLORS[number % len(COLORS)]
        if chart.log_x:
            marker = _MARKERS[number % len(_MARKERS)]
            swatch = tag("path", class_=f"mark {color}", d=marker, transform="translate(6,-4)")
        else:
            swatch = tag("rect", class_=f"bar {color}", width=12, height=4, y=-5)
        yield tag("g", swatch, tag("text", name, x=18), transform=f"translate({x:g},58)")
        x += 42 + _CHARACTER * len(name)


def _colors(palette: Sequence[str]) -> str:
    page, edge, ink, soft, *series = palette
    rules = [
        f".chart .page, .chart .value {{ fill: {page}; }}",
        f".chart text {{ fill: {soft}; }}",
        f".chart .grid {{ stroke: {edge}; }}",
        f".chart .title, .chart .panel {{ fill: {ink}; }}",
        f".chart .reference, .chart .whisker {{ stroke: {ink}; }}",
    ]
    for name, color in zip(COLORS, series, strict=True):
        rules.append(f".chart .{name} {{ fill: {color}; stroke: {color}; }}")
    return "\n".join(rules) + "\n"


def _on_dark(rules: str) -> str:
    """Rules for dark ground; what makes PNG of an SVG passes over them."""
    return f"@media (prefers-color-scheme: dark) {{\n{rules}}}\n"
