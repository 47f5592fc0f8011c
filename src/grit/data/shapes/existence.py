"""Existence, count, position and colour, yes or no: questions in the manner of MME.

Binding is for pre-training: which of the colours in sight is this thing's?
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
    fitting = term_with(scene, rng, range(1, 10) if answer == "yes" else (0,))
    if fitting is None:
        return None
    term, found = fitting
    article = "an" if term.one[0] in "aeiou" else "a"
    text = f"Is there {article} {term.one} in the image? {PLEASE}"
    return Question(text, answer, found, (term.one,) * len(found))


def _count(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Are there exactly 2 red circles in the image? Please answer yes or no."."""
    answer = answer or rng.choice(YES_NO)
    for asked in rng.sample(range(2, 6), 4):
        right = term_with(scene, rng, (asked,))
        wrong = term_with(scene, rng, (asked - 1, asked + 1))
        if right and wrong:  # both, whichever is wanted: else the number alone would tell which
            term, found = right if answer == "yes" else wrong
            text = f"Are there exactly {asked} {term.many} in the image? {PLEASE}"
            return Question(text, answer, found, (term.one,) * len(found))
    return None


def _position(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the red circle to the left of the blue square? Please answer yes or no."."""
    answer = answer or rng.choice(YES_NO)
    pair = clear_pair(scene, rng, answer)
    if pair is None:
        return None
    one, other, direction = pair
    names = scene.things[one].name, scene.things[other].name
    text = f"Is the {names[0]} {SIDES[direction]} the {names[1]}? {PLEASE}"
    return Question(text, answer, (one, other), names)


def _color(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Is the star red? Please answer yes or no.", of the only star."""
    return _color_among(list(COLORS), scene, rng, answer)


def _color_seen(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks the same with a colour that something in the scene has: that it is there tells nothing.

    Asked where there are several colours only, so that "no" can be had, too.
    """
    return _color_among([thing.color for thing in scene.things], scene, rng, answer)


def _color_among(
    colors: Sequence[str], scene: Scene, rng: Random, answer: str | None
) -> Question | None:
    answer = answer or rng.choice(YES_NO)
    for shape in rng.sample(SHAPES, len(SHAPES)):
        found = Term(shape=shape).among(scene)
        if len(found) != 1:
            continue
        color = scene.things[found[0]].color
        others = [c for c in colors if c != color]
        if not others:
            continue
        asked = color if answer == "yes" else rng.choice(others)
        text = f"Is the {shape} {asked}? {PLEASE}"
        return Question(text, answer, found, (scene.things[found[0]].name,))
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
