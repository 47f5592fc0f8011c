"""Where things are: the relations between two boxes, and questions in the manner of VSR.

Two readings, each with a margin so that every answer is clear. "left of" compares two named things:
their boxes do not overlap across, whatever they do down. "directly left of" looks for a thing at
the same height, so the answer hangs on finding the reference. Without "directly" it would not: a
single thing left of X is simply the leftmost one. For the same reason such a question is asked only
where another candidate lies farther in the same direction.
"""

from collections.abc import Callable, Sequence
from random import Random

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, only_ones, shuffled
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import Thing

DIRECTIONS = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
"""Axis (0 across, 1 down) and sign of each direction."""


def ahead(one: Thing, other: Thing, direction: str) -> float:
    """How far the centre of `one` lies from the centre of `other` in a direction, in pixels."""
    axis, sign = DIRECTIONS[direction]
    return sign * (one.center[axis] - other.center[axis])


def clearly(one: Thing, other: Thing, direction: str) -> bool:
    """Whether all of `one` lies in that direction from all of `other`."""
    return ahead(one, other, direction) > 0 and _apart(one, other, DIRECTIONS[direction][0])


def directly(one: Thing, other: Thing, direction: str) -> bool | None:
    """Whether `one` lies in that direction and in line with `other`; None where that is unclear.

    In line: the centre of each lies within the extent of the other, across the direction. Not in
    line: their extents do not overlap at all.
    """
    cross = 1 - DIRECTIONS[direction][0]
    if ahead(one, other, direction) <= 0 or _apart(one, other, cross):
        return False
    offset = abs(one.center[cross] - other.center[cross])
    extent = min(thing.box[cross + 2] - thing.box[cross] for thing in (one, other))
    return True if clearly(one, other, direction) and offset <= extent / 2 else None


def _apart(one: Thing, other: Thing, axis: int) -> bool:
    """Whether two boxes do not overlap along an axis."""
    return one.box[axis + 2] <= other.box[axis] or other.box[axis + 2] <= one.box[axis]


def found_from(
    scene: Scene, start: int, direction: str, pool: Sequence[int], told: Callable[[Thing], object]
) -> int | None:
    """The one thing of `pool` directly in that direction from `start`, if it is clear which.

    None also where the answer (`told` of the thing) would be the same for the outermost thing of
    the pool: that one is found without looking for the reference.
    """
    others = [i for i in pool if i != start]
    in_line = {i: directly(scene.things[i], scene.things[start], direction) for i in others}
    hits = [i for i in others if in_line[i]]
    if len(hits) != 1 or None in in_line.values():
        return None
    hit = scene.things[hits[0]]
    farther = [ahead(scene.things[i], hit, direction) for i in others]
    outermost = scene.things[others[farther.index(max(farther))]]
    return hits[0] if max(farther) > 0 and told(outermost) != told(hit) else None


def clear_pair(scene: Scene, rng: Random, answer: str | None) -> tuple[int, int, str] | None:
    """Two uniquely named things and a direction that clearly holds (yes), or its opposite (no)."""
    wanted = answer or rng.choice(YES_NO)
    direction = rng.choice(tuple(DIRECTIONS))
    named = only_ones(scene)
    for one in shuffled(rng, named):
        for other in shuffled(rng, named):
            pair = (one, other) if wanted == "yes" else (other, one)
            first, second = (scene.things[i] for i in pair)
            if one != other and clearly(first, second, direction):
                return one, other, direction
    return None


def _yes_no(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle left of the blue square?"."""
    answer = answer or rng.choice(YES_NO)
    pair = clear_pair(scene, rng, answer)
    if pair is None:
        return None
    one, other, direction = pair
    names = scene.things[one].name, scene.things[other].name
    text = f"Is the {names[0]} {direction} the {names[1]}?"
    return Question(text, answer, (one, other), names)


def _name(thing: Thing) -> str:
    return thing.name


def _what(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What is directly left of the red circle?" - "blue square"."""
    everything = range(len(scene.things))
    for start in shuffled(rng, only_ones(scene)):
        for direction in rng.sample(tuple(DIRECTIONS), len(DIRECTIONS)):
            hit = found_from(scene, start, direction, everything, _name)
            if hit is not None and answer in (None, scene.things[hit].name):
                names = scene.things[start].name, scene.things[hit].name
                text = f"What is directly {direction} the {names[0]}?"
                return Question(text, names[1], (start, hit), names)
    return None


VSR = Kind(
    "vsr",
    (Template("yes_no", _yes_no, YES_NO, weight=3), Template("what", _what, weight=2)),
    in_domain=True,
)
