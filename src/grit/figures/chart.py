"""A chart before it is drawn: panels of bars, lines or stacked areas, with intervals."""

from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """A value with its interval; ``mean`` is None where there is no value."""

    x: float  # of bars: the place of their group, from 0
    mean: float | None
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """Points of one name and colour. A line breaks where a point has no value."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Panel:
    """Series over the same axes: lines, or bars where ``groups`` names the places below them."""

    title: str
    series: tuple[Series, ...]
    groups: tuple[str, ...] = ()
    stacked: bool = False  # areas on top of each other instead of lines; of the same places each

    @property
    def points(self) -> list[Point]:
        """All points that have a value."""
        return [p for series in self.series for p in series.points if p.mean is not None]


@dataclass(frozen=True)
class Chart:
    """Panels that share title, legend and unit.

    They stand under one another, each with an axis from 0; with ``across`` side by side, with one
    axis that fits the values of all.
    """

    title: str
    note: str
    panels: tuple[Panel, ...]
    y_label: str
    x_label: str = ""
    reference: tuple[float, str] | None = None  # a dashed line, and what it stands for
    top: float | None = None  # of the y axis; None: what the values need
    across: bool = False
    log_x: bool = False

    @property
    def legend(self) -> list[str]:
        """The names of all series."""
        return list(dict.fromkeys(series.name for panel in self.panels for series in panel.series))


def points_of(values: tuple[float | None, ...]) -> tuple[Point, ...]:
    """Values at 1, 2, 3, ..."""
    return tuple(Point(place, value) for place, value in enumerate(values, start=1))
