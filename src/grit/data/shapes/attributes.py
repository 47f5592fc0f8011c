"""What colour, shape or size a described thing has: questions in the manner of GQA."""

from operator import attrgetter
from random import Random

from grit.data.shapes.questions import Kind, Question, Template, Term, only_ones, shuffled
from grit.data.shapes.relations import DIRECTIONS, found_from
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES, SIZES


def _color(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What color is the star?" of the only star."""
    for shape in rng.sample(SHAPES, len(SHAPES)):
        found = Term(shape=shape).among(scene)
        if len(found) == 1 and answer in (None, scene.things[found[0]].color):
            thing = scene.things[found[0]]
            return Question(f"What color is the {shape}?", thing.color, found, (thing.name,))
    return None


def _shape(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What shape is the red thing?" of the only red thing."""
    for color in rng.sample(tuple(COLORS), len(COLORS)):
        found = Term(color=color).among(scene)
        if len(found) == 1 and answer in (None, scene.things[found[0]].shape):
            thing = scene.things[found[0]]
            return Question(f"What shape is the {color} thing?", thing.shape, found, (thing.name,))
    return None


def _size(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle small or large?"."""
    for i in shuffled(rng, only_ones(scene)):
        thing = scene.things[i]
        if answer in (None, thing.size):
            text = f"Is the {thing.name} small or large?"
            return Question(text, thing.size, (i,), (thing.name,))
    return None


def located(
    scene: Scene, rng: Random, by: str, answer: str | None
) -> tuple[int, int, Term, str] | None:
    """A thing told from others like it by where it is: (it, the reference, its term, direction).

    It shares its shape (`by` "shape") or colour ("color") with others; its other attribute, which
    may be asked for, is not that of the outermost of them.
    """
    other = attrgetter("color" if by == "shape" else "shape")
    values = sorted({getattr(thing, by) for thing in scene.things})
    for start in shuffled(rng, only_ones(scene)):
        for direction in rng.sample(tuple(DIRECTIONS), len(DIRECTIONS)):
            for value in rng.sample(values, len(values)):
                term = Term(**{by: value})
                pool = term.among(scene)
                if len(pool) < 2 or start in pool:
                    continue
                hit = found_from(scene, start, direction, pool, other)
                if hit is not None and answer in (None, other(scene.things[hit])):
                    return hit, start, term, direction
    return None


def _color_at(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What color is the star directly above the green square?" of several stars."""
    return _attribute_at(scene, rng, "shape", answer)


def _shape_at(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "What shape is the red thing directly above the green square?" of several red things."""
    return _attribute_at(scene, rng, "color", answer)


def _attribute_at(scene: Scene, rng: Random, by: str, answer: str | None) -> Question | None:
    place = located(scene, rng, by, answer)
    if place is None:
        return None
    hit, start, term, direction = place
    asked = "color" if by == "shape" else "shape"
    names = scene.things[start].name, scene.things[hit].name
    text = f"What {asked} is the {term.one} directly {direction} the {names[0]}?"
    return Question(text, getattr(scene.things[hit], asked), (start, hit), names)


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
