"""Questions like TallyQA's: how many things match a description."""

from random import Random

from grit.data.shapes.questions import Kind, Question, Template, term_with
from grit.data.shapes.scenes import Scene


def _count(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many red circles are there?", described by shape, by colour or by both."""
    count = int(answer) if answer else rng.randint(0, len(scene.things))
    described = term_with(scene, rng, (count,))
    if described is None:
        return None
    term, matching = described
    labels = (term.singular,) * len(matching)
    return Question(f"How many {term.plural} are there?", str(count), matching, labels)


_DIGITS = tuple("0123456789")
TALLYQA = Kind(
    "tallyqa",
    (Template("count", _count, _DIGITS, train_answers=_DIGITS[:5], counts=True),),
    in_domain=True,
)
