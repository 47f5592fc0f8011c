"""Questions about numbers of things, like TallyQA's and MathVista's.

The latter are sums, differences and comparisons of counts, some with options.
"""

from random import Random
from typing import NamedTuple

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, Term, term_with
from grit.data.shapes.scenes import Scene

LETTERS = ("A", "B", "C")
_DIGITS = tuple("0123456789")


def _count(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many red circles are there?", described by shape, by colour or by both."""
    count = int(answer) if answer else rng.randint(0, len(scene.things))
    described = term_with(scene, rng, (count,))
    if described is None:
        return None
    term, matching = described
    labels = (term.singular,) * len(matching)
    return Question(f"How many {term.plural} are there?", str(count), matching, labels)


class Pair(NamedTuple):
    """Two shapes or two colours that both occur in a scene, and the things that have them."""

    first: Term
    second: Term
    of_first: tuple[int, ...]  # positions in the scene
    of_second: tuple[int, ...]

    @property
    def total(self) -> int:
        """Number of things of both."""
        return len(self.of_first) + len(self.of_second)

    @property
    def surplus(self) -> int:
        """How many more things there are of the first than of the second."""
        return len(self.of_first) - len(self.of_second)

    def question(self, text: str, answer: str) -> Question:
        """A question about all things of both."""
        labels = (self.first.singular,) * len(self.of_first)
        labels += (self.second.singular,) * len(self.of_second)
        return Question(text, answer, self.of_first + self.of_second, labels)


def _pairs(scene: Scene, rng: Random) -> list[Pair]:
    """All pairs of shapes, or all pairs of colours, in random order."""
    shapes = sorted({thing.shape for thing in scene.things})
    colors = sorted({thing.color for thing in scene.things})
    kinds = [[Term(shape=s) for s in shapes], [Term(color=c) for c in colors]]
    terms = rng.choice([kind for kind in kinds if len(kind) > 1] or [[]])
    matching = {term: term.among(scene) for term in terms}
    pairs = [Pair(a, b, matching[a], matching[b]) for a in terms for b in terms if a != b]
    return rng.sample(pairs, len(pairs))


def _total(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many circles and squares are there in total?"."""
    for pair in _pairs(scene, rng):
        if answer in (None, str(pair.total)):
            return pair.question(_total_text(pair), str(pair.total))
    return None


def _options(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many circles and squares are there in total? (A) 2 (B) 3 (C) 4" - "B"."""
    pairs = _pairs(scene, rng)
    # Every total is equally likely, so that the options alone say little about the answer.
    totals = sorted({pair.total for pair in pairs if pair.total > 2})
    if not totals:
        return None
    total = rng.choice(totals)
    letter = answer or rng.choice(LETTERS)
    lowest = total - LETTERS.index(letter)
    options = " ".join(f"({name}) {lowest + i}" for i, name in enumerate(LETTERS))
    pair = next(pair for pair in pairs if pair.total == total)
    return pair.question(f"{_total_text(pair)} {options}", letter)


def _total_text(pair: Pair) -> str:
    return f"How many {pair.first.plural} and {pair.second.plural} are there in total?"


def _difference(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many more circles than squares are there?"."""
    for pair in _pairs(scene, rng):
        if pair.surplus > 0 and answer in (None, str(pair.surplus)):
            text = f"How many more {pair.first.plural} than {pair.second.plural} are there?"
            return pair.question(text, str(pair.surplus))
    return None


def _more(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Are there more red things than blue things?"; never of equal numbers."""
    answer = answer or rng.choice(YES_NO)
    for pair in _pairs(scene, rng):
        if pair.surplus != 0 and (pair.surplus > 0) == (answer == "yes"):
            text = f"Are there more {pair.first.plural} than {pair.second.plural}?"
            return pair.question(text, answer)
    return None


TALLYQA = Kind(
    "tallyqa",
    (Template("count", _count, _DIGITS, train_answers=_DIGITS[:5], counts=True),),
    in_domain=True,
)
MATHVISTA = Kind(
    "mathvista",
    (
        Template("total", _total, tuple("23456789"), weight=2, counts=True),
        Template("difference", _difference, tuple("1234"), counts=True),
        Template("more", _more, YES_NO, weight=2),
        Template("options", _options, LETTERS, weight=3),
    ),
    boxes_in_tests=False,
)
