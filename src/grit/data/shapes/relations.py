"""Spatial relations between two boxes, and questions like VSR's about them.

There are two relations, each with a margin so that answers are unambiguous. "left of" compares two
named things, whose boxes must not overlap horizontally. "directly left of" also requires the same
height, so that the answer depends on finding the reference: without "directly", the only thing left
of X is simply the leftmost one. For the same reason such a question is asked only if another
candidate lies farther in the same direction.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from random import Random

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, shuffled, uniquely_named
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import Thing

DIRECTIONS = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
"""Axis (0 horizontal, 1 vertical) and sign of each direction."""


def offset_towards(direction: str, thing: Thing, reference: Thing) -> float:
    """How far a thing's centre lies in a direction from the reference's centre, in pixels."""
    axis, sign = DIRECTIONS[direction]
    return sign * (thing.center[axis] - reference.center[axis])


def is_towards(direction: str, thing: Thing, reference: Thing) -> bool:
    """Whether a thing lies in a direction from the reference, without overlap along that axis."""
    axis, _ = DIRECTIONS[direction]
    return offset_towards(direction, thing, reference) > 0 and _apart(thing, reference, axis)


def is_directly_towards(direction: str, thing: Thing, reference: Thing) -> bool | None:
    """Whether a thing lies in a direction from the reference and in line with it.

    In line: across the direction, the centre of each lies within the extent of the other. Not in
    line: their extents do not overlap. None for anything between.
    """
    cross = 1 - DIRECTIONS[direction][0]
    if offset_towards(direction, thing, reference) <= 0 or _apart(thing, reference, cross):
        return False
    offset = abs(thing.center[cross] - reference.center[cross])
    extent = min(side.box[cross + 2] - side.box[cross] for side in (thing, reference))
    return True if is_towards(direction, thing, reference) and offset <= extent / 2 else None


def _apart(first: Thing, second: Thing, axis: int) -> bool:
    """Whether two boxes do not overlap along an axis."""
    return first.box[axis + 2] <= second.box[axis] or second.box[axis + 2] <= first.box[axis]


def only_thing_towards(
    scene: Scene,
    reference: int,
    direction: str,
    candidates: Sequence[int],
    answer: Callable[[Thing], object],
) -> int | None:
    """The only one of `candidates` that is directly in a direction from the reference.

    None if there is not exactly one, or if `answer` of it equals `answer` of the outermost
    candidate, which could be found without looking for the reference.
    """
    others = [i for i in candidates if i != reference]
    in_line = {
        i: is_directly_towards(direction, scene.things[i], scene.things[reference]) for i in others
    }
    targets = [i for i in others if in_line[i]]
    if len(targets) != 1 or None in in_line.values():
        return None
    target = scene.things[targets[0]]
    offsets = [offset_towards(direction, scene.things[i], target) for i in others]
    outermost = scene.things[others[offsets.index(max(offsets))]]
    return targets[0] if max(offsets) > 0 and answer(outermost) != answer(target) else None


def side_question(
    scene: Scene, rng: Random, answer: str | None, words: Mapping[str, str], end: str
) -> Question | None:
    """Asks "Is the red circle left of the blue square?" of two uniquely named things.

    For "yes" the relation holds, for "no" its opposite does; each with the margin of `is_towards`.
    ``words`` name each of `DIRECTIONS`, and ``end`` is the text behind the second thing.
    """
    answer = answer or rng.choice(YES_NO)
    direction = rng.choice(tuple(DIRECTIONS))
    named = uniquely_named(scene)
    for subject in shuffled(rng, named):
        for reference in shuffled(rng, named):
            pair = (subject, reference) if answer == "yes" else (reference, subject)
            first, second = (scene.things[i] for i in pair)
            if subject != reference and is_towards(direction, first, second):
                names = scene.things[subject].name, scene.things[reference].name
                text = f"Is the {names[0]} {words[direction]} the {names[1]}{end}"
                return Question(text, answer, (subject, reference), names)
    return None


def _yes_no(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle left of the blue square?"."""
    return side_question(scene, rng, answer, {each: each for each in DIRECTIONS}, "?")


def _what(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What is directly left of the red circle?" - "blue square"."""
    everything = range(len(scene.things))
    for reference in shuffled(rng, uniquely_named(scene)):
        for direction in rng.sample(tuple(DIRECTIONS), len(DIRECTIONS)):
            target = only_thing_towards(scene, reference, direction, everything, attrgetter("name"))
            if target is not None and answer in (None, scene.things[target].name):
                names = scene.things[reference].name, scene.things[target].name
                text = f"What is directly {direction} the {names[0]}?"
                return Question(text, names[1], (reference, target), names)
    return None


VSR = Kind(
    "vsr",
    (Template("yes_no", _yes_no, YES_NO, weight=3), Template("what", _what, weight=2)),
    in_domain=True,
)
