"""All kinds of questions, and many questions about one scene."""

from random import Random

from grit.data.shapes.attributes import GQA
from grit.data.shapes.counting import TALLYQA
from grit.data.shapes.detection import DETECT, OVD
from grit.data.shapes.existence import MME
from grit.data.shapes.questions import Kind, Question, Template
from grit.data.shapes.relations import VSR
from grit.data.shapes.scenes import Scene
from grit.data.shapes.sums import MATHVISTA

TEST_KINDS = ("vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd")
"""The six miniature test sets, in the paper's order."""

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (VSR, TALLYQA, GQA, MATHVISTA, MME, OVD, DETECT)
}
"""The test sets' kinds, and "detect": lists of boxes, for pre-training."""


def questions_about(
    scene: Scene, kind: str, rng: Random, count: int, templates: tuple[str, ...] = ()
) -> list[Question]:
    """Up to `count` different questions of a kind; fewer where the scene does not yield them.

    Each template first draws the answer it wants, evenly, then asks for it; so among the answers
    that a scene allows none is favoured. `templates` names those to use (empty: all, by weight).
    """
    chosen = [t for t in KINDS[kind].templates if not templates or t.name in templates]
    if not chosen:
        raise ValueError(f"{kind} has no template called {' or '.join(templates)}")
    questions: dict[str, Question] = {}
    for _ in range(6 * count):
        if len(questions) == count:
            break
        template: Template = rng.choices(chosen, [t.weight for t in chosen])[0]
        answer = rng.choice(template.answers) if template.answers else None
        question = template.ask(scene, rng, answer)
        if question is not None:
            questions.setdefault(question.text, question)
    return list(questions.values())
