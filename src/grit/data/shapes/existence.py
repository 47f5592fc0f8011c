"""Yes-no questions like MME's: existence, count, position and colour.

The kind "binding" is for pre-training: whether a thing has a certain one of the scene's colours.
"""

from collections.abc import Sequence
from random import Random

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, Term, term_with
from grit.data.shapes.relations import clear_pair
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES

PLEASE = "Please answer yes or no."
SIDES = {
    "left of": "to the left of",
    "right of": "to the right of",
    "above": "over",
    "below": "under",
}


def _existence(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is there a red circle in the image? Please answer yes or no."."""
    answer = answer or rng.choice(YES_NO)
    described = term_with(scene, rng, range(1, 10) if answer == "yes" else (0,))
    if described is None:
        return None
    term, matching = described
    article = "an" if term.singular[0] in "aeiou" else "a"
    text = f"Is there {article} {term.singular} in the image? {PLEASE}"
    return Question(text, answer, matching, (term.singular,) * len(matching))


def _count(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Are there exactly 2 red circles in the image? Please answer yes or no."."""
    answer = answer or rng.choice(YES_NO)
    for count in rng.sample(range(2, 6), 4):
        right = term_with(scene, rng, (count,))
        wrong = term_with(scene, rng, (count - 1, count + 1))
        if right and wrong:  # both have to exist: else the number alone would tell the answer
            term, matching = right if answer == "yes" else wrong
            text = f"Are there exactly {count} {term.plural} in the image? {PLEASE}"
            return Question(text, answer, matching, (term.singular,) * len(matching))
    return None


def _position(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle to the left of the blue square? Please answer yes or no."."""
    answer = answer or rng.choice(YES_NO)
    pair = clear_pair(scene, rng, answer)
    if pair is None:
        return None
    subject, reference, direction = pair
    names = scene.things[subject].name, scene.things[reference].name
    text = f"Is the {names[0]} {SIDES[direction]} the {names[1]}? {PLEASE}"
    return Question(text, answer, (subject, reference), names)


def _color(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the star red? Please answer yes or no." of the only star."""
    return _color_among(list(COLORS), scene, rng, answer)


def _color_seen(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks the same about a colour that something in the scene has.

    Whether the colour occurs at all then does not tell the answer. Only in scenes of several
    colours, where the answer can be "no" too.
    """
    return _color_among([thing.color for thing in scene.things], scene, rng, answer)


def _color_among(
    colors: Sequence[str], scene: Scene, rng: Random, answer: str | None
) -> Question | None:
    answer = answer or rng.choice(YES_NO)
    for shape in rng.sample(SHAPES, len(SHAPES)):
        matching = Term(shape=shape).among(scene)
        if len(matching) != 1:
            continue
        thing = scene.things[matching[0]]
        others = [color for color in colors if color != thing.color]
        if not others:
            continue
        asked = thing.color if answer == "yes" else rng.choice(others)
        return Question(f"Is the {shape} {asked}? {PLEASE}", answer, matching, (thing.name,))
    return None


MME = Kind(
    "mme",
    (
        Template("existence", _existence, YES_NO),
        Template("count", _count, YES_NO),
        Template("position", _position, YES_NO),
        Template("color", _color, YES_NO),
    ),
    boxes_in_tests=False,
)
BINDING = Kind("binding", (Template("color", _color_seen, YES_NO),))
