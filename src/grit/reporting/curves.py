"""Training curves as small pictures: the geometry of each panel, which a template draws as SVG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any, NamedTuple

import numpy as np

WIDTH, HEIGHT = 300, 132  # of a panel, in the SVG's own unit
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 8, 8, 18  # margins for the labels
_MOST_POINTS = 240  # of a line; longer ones are averaged in equal pieces

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


class Curves(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def training_curves(rows: Sequence[Mapping[str, Any]]) -> list[Curves]:
    """What ``metrics.jsonl`` tells, panels in groups; what was not logged is not there."""
    parts = dict.fromkeys(key for row in rows for key in row if _is_part(key))
    reward = [_Series("reward", "Reward", "sum of the parts, mean of the step")]
    reward += [
        _Series(key.removeprefix(_PREFIX), _words(key.removeprefix(_PART)), "at its weight")
        for key in parts
    ]
    rewarded = any(_PREFIX + "reward" in row for row in rows)
    loss = [_Series("loss", "Loss", "mean of the step")]  # of supervised training
    groups = (
        ("Reward and its parts", reward) if rewarded else ("Loss", loss),
        ("Policy", _POLICY),
        ("Completions", _COMPLETIONS),
    )
    found = [Curves(title, tuple(_panels(rows, series))) for title, series in groups]
    return [curves for curves in found if curves.panels]


def _is_part(key: str) -> bool:
    """The mean over all data sets; those of one set have its name between."""
    return key.startswith(_PART) and "/" not in key.removeprefix(_PART)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _panels(rows: Sequence[Mapping[str, Any]], series: Sequence[_Series]) -> Iterator[Panel]:
    for one in series:
        points = _points(rows, _PREFIX + one.key)
        if len(points) > 1:
            yield _panel(one, points)


def _points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """Steps and finite values in order, the last of a step that was done twice."""
    found: dict[float, float] = {}
    for row in rows:
        step, value = row.get("step"), row.get(key)
        if isinstance(step, int) and isinstance(value, int | float) and isfinite(value):
            found[step] = float(value)
    points = sorted(found.items())
    pieces = min(len(points), _MOST_POINTS)
    if pieces == len(points):
        return points
    means = [np.mean(piece, axis=0) for piece in np.array_split(np.array(points), pieces)]
    return [(float(step), float(value)) for step, value in means]


def _panel(series: _Series, points: Sequence[tuple[float, float]]) -> Panel:
    steps, values = [step for step, _ in points], [value for _, value in points]
    smooth = _running_mean(values)
    y_values = ticks(min(0.0, *values), max(values))
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
        raw=_path([place(*point) for point in points]),
        smooth=_path(
            [place(*point) for point in zip(steps, smooth, strict=True)] if smooth else []
        ),
        x_ticks=tuple(Tick(place(s, low)[0], f"{s:.0f}") for s in (steps[0], steps[-1])),
        y_ticks=tuple(Tick(place(steps[0], v)[1], short(v)) for v in y_values),
        points=tuple(
            (*place(step, value), f"{step:.0f}", short(value))
            for step, value in zip(steps, shown, strict=True)
        ),
    )


def _running_mean(values: Sequence[float]) -> list[float]:
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
