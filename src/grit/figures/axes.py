"""Where values stand in a drawing: scales, round ticks, and paths through points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10
from typing import NamedTuple

from grit.figures.chart import Point


class Frame(NamedTuple):
    """The size of a drawing and the margins around its axes, in the SVG's own unit."""

    width: float
    height: float
    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0


@dataclass(frozen=True)
class Axes:
    """The scales of a frame: from ``x_ends`` and the outermost ticks to places in the drawing."""

    frame: Frame
    x_ends: tuple[float, float]
    y_ticks: tuple[float, ...]
    log_x: bool = False

    def x(self, value: float) -> float:
        """How far from the left a value stands; in the middle where there is one value only."""
        low, high, at = (log10(v) if self.log_x else v for v in (*self.x_ends, value))
        across = (at - low) / (high - low) if high > low else 0.5
        frame = self.frame
        return round(frame.left + across * (frame.width - frame.left - frame.right), 2)

    def y(self, value: float) -> float:
        """How far from the top a value stands, at the frame's edge where it lies outside."""
        low, high = self.y_ticks[0], self.y_ticks[-1]
        up = min(max((value - low) / (high - low), 0.0), 1.0)
        floor = self.frame.height - self.frame.bottom
        return round(floor - up * (floor - self.frame.top), 2)

    def moved(self, across: float) -> "Axes":
        """The same scales so far to the right."""
        frame = self.frame
        moved = frame._replace(left=frame.left + across, right=frame.right - across)
        return replace(self, frame=moved)

    def path(self, points: Iterable[Point]) -> str:
        """Path data through points; a new piece begins after each gap."""
        path, pen = "", "M"
        for point in points:
            if point.mean is None:
                pen = "M"
                continue
            path += f"{pen}{self.x(point.x):g} {self.y(point.mean):g}"
            pen = "L"
        return path

    def area(self, below: Sequence[Point], above: Sequence[Point]) -> str:
        """Path data of what lies between two lines over the same places."""
        return self.path([*above, *reversed(below)]) + "Z"


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Three to five round values, the first at most ``low``, the last at least ``high``."""
    if high <= low:
        high = low + 1
    rough = (high - low) / 3
    power = 10.0 ** floor(log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return tuple(step * at for at in range(first, last + 1))


def short(value: float) -> str:
    """A number in few characters: 0.734, 12.5, 1,250, 3e-05."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
