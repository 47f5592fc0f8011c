"""How many: questions in the manner of TallyQA."""

from random import Random

from grit.data.shapes.questions import Kind, Question, Template, term_with
from grit.data.shapes.scenes import Scene


def _count(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many red circles are there?"; by shape, by colour or by both."""
    count = int(answer) if answer else rng.randint(0, len(scene.things))
    fitting = term_with(scene, rng, (count,))
    if fitting is None:
        return None
    term, found = fitting
    labels = (term.one,) * len(found)
    return Question(f"How many {term.many} are there?", str(count), found, labels)


_DIGITS = tuple("0123456789")
TALLYQA = Kind(
    "tallyqa",
    (Template("count", _count, _DIGITS, train_answers=_DIGITS[:5], counts=True),),
    in_domain=True,
)
