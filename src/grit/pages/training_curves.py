"""Training curves as small drawings of a page, and the reward's parts stacked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from grit.figures.axes import Axes, Frame, short, ticks
from grit.figures.chart import Panel, Point, Series
from grit.figures.svg import grid, marks
from grit.pages.chains import COLORS

FRAME = Frame(260, 132, left=34, right=8, top=8, bottom=20)
STACK = Frame(1000, 1000)  # stretched to the page's width
VALUE, RUNNING_MEAN, SEED, MEAN = "value", "running mean", "seed", "mean"
_MOST_POINTS = 240  # of a line; longer ones are averaged in equal pieces
_MOST_OF_SEEDS = 80  # of each line where several stand in one panel
_PREFIX = "train/"
_PART = _PREFIX + "reward_part/"
_USAGE = "judge/"  # of the judge so far, in the rows of a validation

Rows = Sequence[Mapping[str, Any]]  # of metrics.jsonl
Line = Sequence[tuple[float, float]]  # steps and values


class _Metric(NamedTuple):
    key: str  # in metrics.jsonl, without the prefix
    title: str
    note: str


_POLICY = (
    _Metric("kl", "KL", "from the base model, a token"),
    _Metric("entropy", "Entropy", "of the policy, nats a token"),
    _Metric("grad_norm", "Gradient norm", "before clipping"),
)
_COMPLETIONS = (
    _Metric("completion_tokens", "Length", "tokens of a completion"),
    _Metric("boxes", "Boxes", "of a chain"),
    _Metric("groups_without_variance", "Silent groups", "all rewards equal: no signal"),
)


@dataclass(frozen=True)
class Curve:
    """One metric over the steps: thin lines, and a strong one that sums them up."""

    note: str
    panel: Panel
    axes: Axes

    @property
    def title(self) -> str:
        """The metric's name."""
        return self.panel.title

    @property
    def points(self) -> list[tuple[float, float, str, str]]:
        """For the pointer: x and y of the strong line, its step and value."""
        return [
            (self.axes.x(p.x), self.axes.y(p.mean), f"{p.x:.0f}", short(p.mean))
            for p in self.panel.series[-1].points
            if p.mean is not None
        ]

    @property
    def drawing(self) -> Markup:
        """What stands in the frame."""
        thin = ["raw"] * (len(self.panel.series) - 1)
        return Markup("").join([*grid(self.axes), *marks(self.panel, self.axes, [*thin, "strong"])])


class Curves(NamedTuple):
    """Curves under one heading."""

    title: str
    panels: tuple[Curve, ...]


@dataclass(frozen=True)
class Stack:
    """The parts of the reward on top of each other, the first at the bottom."""

    panel: Panel
    axes: Axes

    @property
    def drawing(self) -> Markup:
        """Lines of the ticks and the areas, in the frame ``STACK``."""
        colors = [f"c{number + 1}" for number in range(COLORS)]
        areas = list(marks(self.panel, self.axes, colors))
        return Markup("").join([*grid(self.axes, labels=False), *areas])

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """How far from the top each tick stands, in percent, and its label."""
        return [(self.axes.y(v) * 100 / STACK.height, short(v)) for v in self.axes.y_ticks]

    @property
    def steps(self) -> tuple[str, str]:
        """The first and the last."""
        first, last = self.axes.x_ends
        return f"{first:.0f}", f"{last:.0f}"

    @property
    def points(self) -> list[tuple[float, str, tuple[str, ...]]]:
        """For the pointer: x, the step, and each part's value."""
        return [
            (self.axes.x(at[0].x), f"{at[0].x:.0f}", tuple(short(p.mean or 0.0) for p in at))
            for at in zip(*(series.points for series in self.panel.series), strict=True)
        ]


def training_curves(rows: Rows) -> list[Curves]:
    """What ``metrics.jsonl`` tells, curves in groups; what was not logged is not there."""
    groups = (_objective(rows), ("Policy", _POLICY), ("Completions", _COMPLETIONS))
    curves = [Curves(title, tuple(_curves(rows, metrics))) for title, metrics in groups]
    return [group for group in curves if group.panels]


def validation_curves(rows: Rows) -> list[Curves]:
    """What ``validation.jsonl`` tells: a curve for each set and metric; nothing of one point.

    What the judge has used so far stands in the same rows, and is no metric.
    """
    found = dict.fromkeys(key for row in rows for key in row if "/" in key)
    keys = [key for key in found if not key.startswith(_USAGE)]
    metrics = [_Metric(key, key.replace("/", " ").replace("_rate", ""), "on dev") for key in keys]
    lines = ((metric, _points_of(rows, metric.key)) for metric in metrics)
    panels = tuple(_curve(m, [_series(VALUE, line)]) for m, line in lines if len(line) > 1)
    return [Curves("Validation", panels)] if panels else []


def mean_curves(title: str, runs: Sequence[Rows]) -> Curves:
    """What repetitions were trained for: the reward and its parts, or the loss.

    A strong line for their mean over the steps that all have, a thin one for each.
    """
    _, metrics = _objective([row for rows in runs for row in rows])
    curves = (
        _mean_curve(metric, [_values_of(rows, _PREFIX + metric.key) for rows in runs])
        for metric in metrics
    )
    return Curves(title, tuple(curve for curve in curves if curve is not None))


def reward_stack(rows: Rows) -> Stack | None:
    """The parts of the reward, smoothed as the curves are.

    None where they cannot be stacked: fewer than two parts or steps, or a part below 0.
    """
    parts = {_words(key): _values_of(rows, key) for key in _part_keys(rows)}
    common = sorted(set.intersection(*map(set, parts.values()))) if len(parts) > 1 else []
    if len(common) < 2:
        return None
    lines = {
        name: _thinned([(step, part[step]) for step in common], _MOST_POINTS)
        for name, part in parts.items()
    }
    steps = [step for step, _ in next(iter(lines.values()))]
    values = {name: [value for _, value in line] for name, line in lines.items()}
    values = {name: running_mean(part) or part for name, part in values.items()}
    if min(map(min, values.values())) < 0:
        return None
    series = tuple(_series(name, zip(steps, part, strict=True)) for name, part in values.items())
    highest = max(map(sum, zip(*values.values(), strict=True)))
    panel = Panel("The reward's parts", series, stacked=True)
    return Stack(panel, Axes(STACK, (steps[0], steps[-1]), ticks(0.0, highest)))


def _objective(rows: Rows) -> tuple[str, Sequence[_Metric]]:
    """What training raises or lowers, and the heading over it."""
    if not any(_PREFIX + "reward" in row for row in rows):
        return "Loss", [_Metric("loss", "Loss", "mean of the step")]  # of supervised training
    parts = [
        _Metric(key.removeprefix(_PREFIX), _words(key), "at its weight") for key in _part_keys(rows)
    ]
    whole = _Metric("reward", "Reward", "sum of the parts, mean of the step")
    return "Reward and its parts", [whole, *parts]


def _part_keys(rows: Rows) -> list[str]:
    """The keys of the reward's parts over all data sets, in order of appearance."""
    keys = dict.fromkeys(key for row in rows for key in row if key.startswith(_PART))
    return [key for key in keys if "/" not in key.removeprefix(_PART)]  # those of one set have one


def _words(key: str) -> str:
    """What a part of the reward is called on the page."""
    return key.removeprefix(_PART).replace("_", " ").capitalize()


def _curves(rows: Rows, metrics: Sequence[_Metric]) -> Iterator[Curve]:
    for metric in metrics:
        line = _points_of(rows, _PREFIX + metric.key)
        if len(line) > 1:
            yield _curve(metric, [_series(VALUE, line)])


def _mean_curve(metric: _Metric, runs: Sequence[Mapping[float, float]]) -> Curve | None:
    """The mean of runs that have a metric; None where none has, or they share no two steps."""
    runs = [run for run in runs if run]
    steps = sorted(set.intersection(*map(set, runs))) if runs else []
    if len(steps) < 2:
        return None
    lines = [_thinned([(step, run[step]) for step in steps], _MOST_OF_SEEDS) for run in runs]
    if len(lines) == 1:
        return _curve(metric, [_series(VALUE, lines[0])])
    means = [
        (at[0][0], float(np.mean([value for _, value in at]))) for at in zip(*lines, strict=True)
    ]
    seeds = [_smoothed(_series(SEED, line)) or _series(SEED, line) for line in lines]
    mean = _series(MEAN, means)
    return _curve(metric, [*seeds, _smoothed(mean) or mean], smooth=False)


def _curve(metric: _Metric, series: Sequence[Series], *, smooth: bool = True) -> Curve:
    """A curve whose last line is strong: the running mean where there are points enough."""
    running = _smoothed(series[-1]) if smooth else None
    panel = Panel(metric.title, (*series, *([running] if running else [])))
    values = [point.mean for point in panel.points if point.mean is not None]
    steps = [point.x for point in panel.series[-1].points]
    y_ticks = ticks(min(0.0, *values), max(values))
    return Curve(metric.note, panel, Axes(FRAME, (steps[0], steps[-1]), y_ticks))


def _series(name: str, line: Any) -> Series:
    return Series(name, tuple(Point(step, value) for step, value in line))


def _smoothed(series: Series) -> Series | None:
    """The running mean of a line; None where it is too short for one."""
    means = running_mean([point.mean or 0.0 for point in series.points])
    if not means:
        return None
    name = RUNNING_MEAN if series.name == VALUE else series.name
    return _series(name, zip((point.x for point in series.points), means, strict=True))


def running_mean(values: Sequence[float]) -> list[float]:
    """Centred over about a tenth of the values, fewer at the ends; nothing for short runs."""
    reach = len(values) // 20
    if not reach:
        return []
    return [
        float(np.mean(values[max(0, at - reach) : at + reach + 1])) for at in range(len(values))
    ]


def _points_of(rows: Rows, key: str) -> Line:
    """Steps and finite values in order, as many as a line has room for."""
    return _thinned(sorted(_values_of(rows, key).items()), _MOST_POINTS)


def _values_of(rows: Rows, key: str) -> dict[float, float]:
    """Finite values by step, the last of a step that was done twice."""
    values: dict[float, float] = {}
    for row in rows:
        step, value = row.get("step"), row.get(key)
        if isinstance(step, int) and isinstance(value, int | float) and isfinite(value):
            values[step] = float(value)
    return values


def _thinned(line: Line, most: int) -> Line:
    if len(line) <= most:
        return line
    means = [np.mean(piece, axis=0) for piece in np.array_split(np.array(line), most)]
    return [(float(step), float(value)) for step, value in means]
