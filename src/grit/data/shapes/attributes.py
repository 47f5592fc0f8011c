"""Questions like GQA's: which colour, shape or size a described thing has."""

from functools import partial
from operator import attrgetter
from random import Random

from grit.data.shapes.questions import (
    Kind,
    Question,
    Template,
    Term,
    lone_things,
    shuffled,
    uniquely_named,
)
from grit.data.shapes.relations import DIRECTIONS, only_thing_towards
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES, SIZES

_OTHER = {"shape": "color", "color": "shape"}
"""What is asked of a thing that is described by the one."""


def _attribute(scene: Scene, rng: Random, answer: str | None, by: str) -> Question | None:
    """Asks "What color is the star?" of the only star, or "What shape is the red thing?"."""
    asked = _OTHER[by]
    for term, i in lone_things(scene, rng, by):
        thing = scene.things[i]
        found = getattr(thing, asked)
        if answer in (None, found):
            return Question(f"What {asked} is the {term.singular}?", found, (i,), (thing.name,))
    return None


def _size(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle small or large?"."""
    for i in shuffled(rng, uniquely_named(scene)):
        thing = scene.things[i]
        if answer in (None, thing.size):
            text = f"Is the {thing.name} small or large?"
            return Question(text, thing.size, (i,), (thing.name,))
    return None


def located_thing(
    scene: Scene, rng: Random, by: str, answer: str | None
) -> tuple[int, int, Term, str] | None:
    """A thing that only its place tells from others of its shape or colour; None if there is none.

    Args:
        scene: with the things.
        rng: draws the reference, the direction and the term.
        by: which attribute the thing shares with others: "shape" or "color".
        answer: what its other attribute has to be; None: anything. Never that of the outermost of
            the things that it shares the first one with.

    Returns:
        The thing and the reference by their positions in the scene, the term that describes the
        thing, and the direction in which it lies from the reference.
    """
    other_attribute = attrgetter(_OTHER[by])
    values = sorted({getattr(thing, by) for thing in scene.things})
    for reference in shuffled(rng, uniquely_named(scene)):
        for direction in rng.sample(tuple(DIRECTIONS), len(DIRECTIONS)):
            for value in rng.sample(values, len(values)):
                term = Term(**{by: value})
                candidates = term.among(scene)
                if len(candidates) < 2 or reference in candidates:
                    continue
                target = only_thing_towards(
                    scene, reference, direction, candidates, other_attribute
                )
                if target is not None and answer in (None, other_attribute(scene.things[target])):
                    return target, reference, term, direction
    return None


def _attribute_at(scene: Scene, rng: Random, answer: str | None, by: str) -> Question | None:
    """Asks "What color is the star directly above the green square?" of several stars.

    Or "What shape is the red thing directly above the green square?" of several red things.
    """
    located = located_thing(scene, rng, by, answer)
    if located is None:
        return None
    target, reference, term, direction = located
    asked = _OTHER[by]
    names = scene.things[reference].name, scene.things[target].name
    text = f"What {asked} is the {term.singular} directly {direction} the {names[0]}?"
    return Question(text, getattr(scene.things[target], asked), (reference, target), names)


GQA = Kind(
    "gqa",
    (
        Template("color", partial(_attribute, by="shape"), tuple(COLORS), weight=2),
        Template("shape", partial(_attribute, by="color"), SHAPES),
        Template("color_at", partial(_attribute_at, by="shape"), weight=2),
        Template("shape_at", partial(_attribute_at, by="color"), weight=2),
        Template("size", _size, tuple(SIZES)),
    ),
)
