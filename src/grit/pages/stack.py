"""What the reward was made of, step by step: its parts on top of each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from grit.pages.curves import Tick, part_keys, points_of, running_mean, short, ticks, words_of

_MOST = 100  # both sides of the drawing, in its own unit


class Band(NamedTuple):
    """One part: a closed path in the ``100`` x ``100`` frame, and its value at the end."""

    name: str
    path: str
    last: str


@dataclass(frozen=True)
class Stack:
    """All parts, the first at the bottom."""

    bands: tuple[Band, ...]
    y_ticks: tuple[Tick, ...]
    steps: tuple[str, str]  # the first and the last
    points: tuple[tuple[float, str, tuple[str, ...]], ...]  # x, step, each part's value


def reward_stack(rows: Sequence[Mapping[str, Any]]) -> Stack | None:
    """The parts of ``metrics.jsonl``, smoothed as the curves are.

    None where they cannot be stacked: fewer than two parts or steps, or a part below 0.
    """
    series = {words_of(key): dict(points_of(rows, key)) for key in part_keys(rows)}
    if len(series) < 2:
        return None
    steps = sorted(set.intersection(*(set(found) for found in series.values())))
    if len(steps) < 2:
        return None
    raw = {name: [found[step] for step in steps] for name, found in series.items()}
    values = {name: running_mean(found) or found for name, found in raw.items()}
    if min(min(found) for found in values.values()) < 0:
        return None
    sums = [sum(at) for at in zip(*values.values(), strict=True)]
    y_values = ticks(0.0, max(sums))
    xs = [_MOST * (step - steps[0]) / (steps[-1] - steps[0]) for step in steps]
    scale = _MOST / y_values[-1]
    bands, below = [], [0.0] * len(steps)
    for name, found in values.items():
        above = [low + value for low, value in zip(below, found, strict=True)]
        bands.append(Band(name, _area(xs, below, above, scale), short(found[-1])))
        below = above
    return Stack(
        bands=tuple(bands),
        y_ticks=tuple(Tick(round(_MOST - value * scale, 2), short(value)) for value in y_values),
        steps=(f"{steps[0]:.0f}", f"{steps[-1]:.0f}"),
        points=tuple(
            (round(x, 2), f"{step:.0f}", tuple(short(found[at]) for found in values.values()))
            for at, (x, step) in enumerate(zip(xs, steps, strict=True))
        ),
    )


def _area(xs: Sequence[float], below: Sequence[float], above: Sequence[float], scale: float) -> str:
    edge = [*zip(xs, above, strict=True), *reversed(list(zip(xs, below, strict=True)))]
    return "M" + "L".join(f"{x:.4g} {_MOST - y * scale:.4g}" for x, y in edge) + "Z"
