"""All kinds of questions by name, and drawing several questions about one scene."""

from collections.abc import Container
from random import Random

from grit.data.shapes.attributes import GQA
from grit.data.shapes.counting import MATHVISTA, TALLYQA
from grit.data.shapes.detection import DETECT, OVD
from grit.data.shapes.existence import BINDING, MME
from grit.data.shapes.questions import YES_NO, Kind, Question, Template
from grit.data.shapes.relations import VSR
from grit.data.shapes.scenes import Scene

TEST_KINDS = ("vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd")
"""The six miniature test sets, in the paper's order."""

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (VSR, TALLYQA, GQA, MATHVISTA, MME, OVD, DETECT, BINDING)
}
"""The test sets' kinds, and two for pre-training: "detect", lists of boxes, and "binding"."""


def questions_about(
    scene: Scene, kind: str, rng: Random, count: int, templates: tuple[str, ...] = ()
) -> list[Question]:
    """Up to `count` different questions of a kind; fewer if the scene does not allow more.

    Answers are drawn evenly from those that the scene allows; yes and no are even over any number
    of calls. `templates` names those to use (empty: all, by weight).
    """
    chosen = [t for t in KINDS[kind].templates if not templates or t.name in templates]
    if not chosen:
        raise ValueError(f"{kind} has no template called {' or '.join(templates)}")
    questions: dict[str, Question] = {}
    for _ in range(6 * count):
        if len(questions) == count:
            break
        template: Template = rng.choices(chosen, [t.weight for t in chosen])[0]
        question = _new_question(template, scene, rng, questions)
        if question is not None:
            questions[question.text] = question
    return list(questions.values())


def _new_question(
    template: Template, scene: Scene, rng: Random, known: Container[str]
) -> Question | None:
    """A question whose text is not in `known`, with an answer drawn evenly.

    Of a yes-no template both are tried, and one is drawn only if both exist: otherwise a scene with
    more ways to answer no than yes would favour "no".
    """
    if not template.answers:
        wanted: list[str | None] = [None]
    elif template.answers == YES_NO:
        wanted = [*rng.sample(YES_NO, 2)]
    else:
        wanted = [rng.choice(template.answers)]
    asked = [template.ask(scene, rng, answer) for answer in wanted]
    usable = [question for question in asked if question and question.text not in known]
    return usable[0] if len(usable) == len(asked) else None
