"""Training curves as small pictures: the geometry of each panel, which a template draws as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any, NamedTuple

import numpy as np

WIDTH, HEIGHT = 260, 132  # of a panel, in the SVG's own unit
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 20  # margins for the labels
_MOST_POINTS = 240  # of a line; longer ones are averaged in equal pieces

_MOST_OF_SEEDS = 80  # of each line where several stand in one panel

_PREFIX = "train/"
_PART = _PREFIX + "reward_part/"


class _Series(NamedTuple):
    key: str  # in metrics.jsonl, without the prefix
    title: str
    note: str


_POLICY = (
    _Series("kl", "KL", "from the base model, a token"),
    _Series("entropy", "Entropy", "of the policy, nats a token"),
    _Series("grad_norm", "Gradient norm", "before clipping"),
)
_COMPLETIONS = (
    _Series("completion_tokens", "Length", "tokens of a completion"),
    _Series("boxes", "Boxes", "of a chain"),
    _Series("groups_without_variance", "Silent groups", "all rewards equal: no signal"),
)


class Tick(NamedTuple):
    """A label at a place of an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Panel:
    """One curve, ready to draw: paths and places in a ``WIDTH`` x ``HEIGHT`` frame."""

    title: str
    note: str
    last: str  # the smoothed value at the end
    raw: str  # path data of the values
    smooth: str  # path data of their running mean; "" where there are too few to smooth
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[tuple[float, float, str, str], ...]  # x, y, step, value: for the pointer
    seeds: tuple[str, ...] = ()  # path data of each run, where the curve is their mean


class Curves(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def training_curves(rows: Sequence[Mapping[str, Any]]) -> list[Curves]:
    """What ``metrics.jsonl`` tells, panels in groups; what was not logged is not there."""
    groups = (_objective(rows), ("Policy", _POLICY), ("Completions", _COMPLETIONS))
    found = [Curves(title, tuple(_panels(rows, series))) for title, series in groups]
    return [curves for curves in found if curves.panels]


def mean_curves(title: str, runs: Sequence[Sequence[Mapping[str, Any]]]) -> Curves:
    """What repetitions were trained for: the reward and its parts, or the loss.

    A strong line for their mean over the steps that all have, a thin one for each.
    """
    _, series = _objective([row for rows in runs for row in rows])
    found = (
        _mean_panel(one, [_values_of(rows, _PREFIX + one.key) for rows in runs]) for one in series
    )
    return Curves(title, tuple(panel for panel in found if panel is not None))


def _objective(rows: Sequence[Mapping[str, Any]]) -> tuple[str, Sequence[_Series]]:
    """What training raises or lowers, and the heading over it."""
    if not any(_PREFIX + "reward" in row for row in rows):
        return "Loss", [_Series("loss", "Loss", "mean of the step")]  # of supervised training
    parts = [
        _Series(key.removeprefix(_PREFIX), words_of(key), "at its weight")
        for key in part_keys(rows)
    ]
    whole = _Series("reward", "Reward", "sum of the parts, mean of the step")
    return "Reward and its parts", [whole, *parts]


def part_keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of the reward's parts, in order of appearance."""
    return list(dict.fromkeys(key for row in rows for key in row if _is_part(key)))


def _is_part(key: str) -> bool:
    """The mean over all data sets; those of one set have its name between."""
    return key.startswith(_PART) and "/" not in key.removeprefix(_PART)


def words_of(key: str) -> str:
    """What a part of the reward is called on the page."""
    return key.removeprefix(_PART).replace("_", " ").capitalize()


def _panels(rows: Sequence[Mapping[str, Any]], series: Sequence[_Series]) -> Iterator[Panel]:
    for one in series:
        points = points_of(rows, _PREFIX + one.key)
        if len(points) > 1:
            yield _panel(one, points)


def points_of(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """Steps and finite values in order, as many as a line has room for."""
    return _thinned(sorted(_values_of(rows, key).items()), _MOST_POINTS)


def _values_of(rows: Sequence[Mapping[str, Any]], key: str) -> dict[float, float]:
    """Finite values by step, the last of a step that was done twice."""
    found: dict[float, float] = {}
    for row in rows:
        step, value = row.get("step"), row.get(key)
        if isinstance(step, int) and isinstance(value, int | float) and isfinite(value):
            found[step] = float(value)
    return found


def _thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    if len(points) <= most:
        return points
    means = [np.mean(piece, axis=0) for piece in np.array_split(np.array(points), most)]
    return [(float(step), float(value)) for step, value in means]


def _mean_panel(series: _Series, runs: Sequence[Mapping[float, float]]) -> Panel | None:
    """The mean of runs that have a series; None where none has, or they share no two steps."""
    runs = [run for run in runs if run]
    steps = sorted(set.intersection(*map(set, runs))) if runs else []
    if len(steps) < 2:
        return None
    lines = [_thinned([(step, run[step]) for step in steps], _MOST_OF_SEEDS) for run in runs]
    mean = [
        (at[0][0], float(np.mean([value for _, value in at]))) for at in zip(*lines, strict=True)
    ]
    return _panel(series, mean, lines if len(lines) > 1 else ())


def _panel(
    series: _Series,
    points: Sequence[tuple[float, float]],
    seeds: Sequence[Sequence[tuple[float, float]]] = (),
) -> Panel:
    """The panel of a line; of a mean with those of its ``seeds``, at the same steps, behind it."""
    steps, values = [step for step, _ in points], [value for _, value in points]
    smooth = running_mean(values)
    behind = [running_mean(each) or each for each in ([v for _, v in line] for line in seeds)]
    every = [*values, *(value for line in behind for value in line)]
    y_values = ticks(min(0.0, *every), max(every))
    low, high = y_values[0], y_values[-1]

    def place(step: float, value: float) -> tuple[float, float]:
        across = (step - steps[0]) / (steps[-1] - steps[0])
        up = (value - low) / (high - low)
        x = _LEFT + across * (WIDTH - _LEFT - _RIGHT)
        return round(x, 1), round(HEIGHT - _BOTTOM - up * (HEIGHT - _BOTTOM - _TOP), 1)

    shown = smooth or values
    return Panel(
        title=series.title,
        note=series.note,
        last=short(shown[-1]),
        raw="" if seeds and smooth else _path([place(*point) for point in points]),
        smooth=_path(
            [place(*point) for point in zip(steps, smooth, strict=True)] if smooth else []
        ),
        x_ticks=tuple(Tick(place(s, low)[0], f"{s:.0f}") for s in (steps[0], steps[-1])),
        y_ticks=tuple(Tick(place(steps[0], v)[1], short(v)) for v in y_values),
        points=tuple(
            (*place(step, value), f"{step:.0f}", short(value))
            for step, value in zip(steps, shown, strict=True)
        ),
        seeds=tuple(
            _path([place(*point) for point in zip(steps, line, strict=True)]) for line in behind
        ),
    )


def running_mean(values: Sequence[float]) -> list[float]:
    """Centred over about a tenth of the values, fewer at the ends; nothing for short runs."""
    reach = len(values) // 20
    if not reach:
        return []
    return [
        float(np.mean(values[max(0, at - reach) : at + reach + 1])) for at in range(len(values))
    ]


def ticks(low: float, high: float) -> list[float]:
    """Three to five round values, the first at most ``low``, the last at least ``high``."""
    if high <= low:
        high = low + 1
    rough = (high - low) / 3
    power = 10.0 ** floor(log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [step * at for at in range(first, last + 1)]


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else ""


def short(value: float) -> str:
    """A number in few characters: 0.734, 12.5, 1,250, 3e-05."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
