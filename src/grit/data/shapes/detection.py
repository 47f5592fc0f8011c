"""Questions for boxes: of one described thing, like OVDEval's, and of several, for pre-training.

Answers are boxes in pixels of the scene; ``traces.convert_boxes`` converts them to the coordinate
space of a model.
"""

from collections.abc import Sequence
from random import Random

from grit.data.shapes.attributes import located_thing
from grit.data.shapes.questions import (
    Kind,
    Question,
    Template,
    Term,
    shuffled,
    term_with,
    uniquely_named,
)
from grit.data.shapes.scenes import Scene

NOTHING = "none"


def box_answer(scene: Scene, chosen: Sequence[int]) -> str:
    """The boxes of the chosen things: "[5, 6, 20, 22], [50, 8, 70, 30]"; "none" without any."""
    return ", ".join(str(list(scene.things[i].box)) for i in chosen) or NOTHING


def _named(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Output the bounding box of: the red circle." of the only red circle."""
    for i in shuffled(rng, uniquely_named(scene)):
        name = scene.things[i].name
        text = f"Output the bounding box of: the {name}."
        return Question(text, box_answer(scene, [i]), (i,), (name,), answer_is_box=True)
    return None


def _located(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Output the bounding box of: the star directly above the green square."."""
    for by in rng.sample(("shape", "color"), 2):
        located = located_thing(scene, rng, by, None)
        if located is not None:
            target, reference, term, direction = located
            described = f"{term.singular} directly {direction} the {scene.things[reference].name}"
            text = f"Output the bounding box of: the {described}."
            labels = (scene.things[target].name,)
            answer = box_answer(scene, [target])
            return Question(text, answer, (target,), labels, answer_is_box=True)
    return None


def _all(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Detect all circles." - "[5, 6, 20, 22], [50, 8, 70, 30]", or "none"."""
    counts = (0,) if rng.random() < 0.1 else range(1, len(scene.things) + 1)
    for count in rng.sample(counts, len(counts)):
        described = term_with(scene, rng, (count,))
        if described is not None:
            term, matching = described
            return _detect_all(scene, term, matching, (term.singular,) * len(matching))
    return None


def _everything(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Detect all things."."""
    names = tuple(thing.name for thing in scene.things)
    return _detect_all(scene, Term(), Term().among(scene), names)


def _detect_all(
    scene: Scene, term: Term, matching: tuple[int, ...], labels: tuple[str, ...]
) -> Question:
    text = f"Detect all {term.plural}."
    return Question(text, box_answer(scene, matching), matching, labels, answer_is_box=True)


OVD = Kind("ovd", (Template("named", _named), Template("located", _located)))
DETECT = Kind("detect", (Template("all", _all, weight=4), Template("everything", _everything)))
