"""Where is it: the box of one described thing (OVDEval), and lists of boxes for pre-training.

Answers are boxes in pixels of the original scene; `traces.in_space` puts them into the space that a
model speaks.
"""

from collections.abc import Sequence
from random import Random

from grit.data.shapes.attributes import located
from grit.data.shapes.questions import (
    Kind,
    Question,
    Template,
    Term,
    only_ones,
    shuffled,
    term_with,
)
from grit.data.shapes.scenes import Scene

NOTHING = "none"


def listed(scene: Scene, chosen: Sequence[int]) -> str:
    """The boxes of the chosen things: "[5, 6, 20, 22], [50, 8, 70, 30]"."""
    return ", ".join(str(list(scene.things[i].box)) for i in chosen) or NOTHING


def _named(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Output the bounding box of: the red circle.", of the only one."""
    for i in shuffled(rng, only_ones(scene)):
        name = scene.things[i].name
        text = f"Output the bounding box of: the {name}."
        return Question(text, listed(scene, [i]), (i,), (name,), answer_is_box=True)
    return None


def _located(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Output the bounding box of: the star directly above the green square."."""
    for by in rng.sample(("shape", "color"), 2):
        place = located(scene, rng, by, None)
        if place is not None:
            hit, start, term, direction = place
            reference = scene.things[start].name
            described = f"the {term.one} directly {direction} the {reference}"
            text = f"Output the bounding box of: {described}."
            labels = (scene.things[hit].name,)
            return Question(text, listed(scene, [hit]), (hit,), labels, answer_is_box=True)
    return None


def _all(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Detect all circles." - "[5, 6, 20, 22], [50, 8, 70, 30]", or "none"."""
    counts = (0,) if rng.random() < 0.1 else range(1, len(scene.things) + 1)
    for count in rng.sample(counts, len(counts)):
        fitting = term_with(scene, rng, (count,))
        if fitting is not None:
            term, found = fitting
            return _detection(scene, term, found, (term.one,) * len(found))
    return None


def _everything(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Detect all things."."""
    names = tuple(thing.name for thing in scene.things)
    return _detection(scene, Term(), Term().among(scene), names)


def _detection(
    scene: Scene, term: Term, found: tuple[int, ...], labels: tuple[str, ...]
) -> Question:
    text = f"Detect all {term.many}."
    return Question(text, listed(scene, found), found, labels, answer_is_box=True)


OVD = Kind("ovd", (Template("named", _named), Template("located", _located)))
DETECT = Kind("detect", (Template("all", _all, weight=4), Template("everything", _everything)))
