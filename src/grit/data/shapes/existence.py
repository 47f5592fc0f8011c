"""Yes-no questions like MME's: existence, count, position and colour.

The kind "binding" is for pre-training: whether a thing has a certain one of the scene's colours.
"""

from collections.abc import Sequence
from random import Random

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, lone_things, term_with
from grit.data.shapes.relations import side_question
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS

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
    return side_question(scene, rng, answer, SIDES, f"? {PLEASE}")


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
    for term, i in lone_things(scene, rng, "shape"):
        thing = scene.things[i]
        others = [color for color in colors if color != thing.color]
        if others:
            asked = thing.color if answer == "yes" else rng.choice(others)
            text = f"Is the {term.singular} {asked}? {PLEASE}"
            return Question(text, answer, (i,), (thing.name,))
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
