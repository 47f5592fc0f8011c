"""Questions like GQA's: which colour, shape or size a described thing has."""

from operator import attrgetter
from random import Random

from grit.data.shapes.questions import Kind, Question, Template, Term, shuffled, uniquely_named
from grit.data.shapes.relations import DIRECTIONS, only_thing_towards
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES, SIZES


def _color(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What color is the star?" of the only star."""
    for shape in rng.sample(SHAPES, len(SHAPES)):
        matching = Term(shape=shape).among(scene)
        if len(matching) == 1 and answer in (None, scene.things[matching[0]].color):
            thing = scene.things[matching[0]]
            return Question(f"What color is the {shape}?", thing.color, matching, (thing.name,))
    return None


def _shape(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What shape is the red thing?" of the only red thing."""
    for color in rng.sample(tuple(COLORS), len(COLORS)):
        matching = Term(color=color).among(scene)
        if len(matching) == 1 and answer in (None, scene.things[matching[0]].shape):
            thing = scene.things[matching[0]]
            text = f"What shape is the {color} thing?"
            return Question(text, thing.shape, matching, (thing.name,))
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
    other_attribute = attrgetter("color" if by == "shape" else "shape")
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


def _color_at(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What color is the star directly above the green square?" of several stars."""
    return _attribute_at(scene, rng, "shape", answer)


def _shape_at(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What shape is the red thing directly above the green square?" of several red things."""
    return _attribute_at(scene, rng, "color", answer)


def _attribute_at(scene: Scene, rng: Random, by: str, answer: str | None) -> Question | None:
    located = located_thing(scene, rng, by, answer)
    if located is None:
        return None
    target, reference, term, direction = located
    asked = "color" if by == "shape" else "shape"
    names = scene.things[reference].name, scene.things[target].name
    text = f"What {asked} is the {term.singular} directly {direction} the {names[0]}?"
    return Question(text, getattr(scene.things[target], asked), (reference, target), names)


GQA = Kind(
    "gqa",
    (
        Template("color", _color, tuple(COLORS), weight=2),
        Template("shape", _shape, SHAPES),
        Template("color_at", _color_at, weight=2),
        Template("shape_at", _shape_at, weight=2),
        Template("size", _size, tuple(SIZES)),
    ),
)
