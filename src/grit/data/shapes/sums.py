"""Sums, differences and comparisons, some with options: questions in the manner of MathVista."""

from random import Random

from grit.data.shapes.questions import YES_NO, Kind, Question, Template, Term
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES

Found = tuple[int, ...]
LETTERS = ("A", "B", "C")


def _two_terms(
    scene: Scene, rng: Random, *, total: int | None = None, surplus: int | None = None
) -> tuple[Term, Term, Found, Found] | None:
    """Two shapes or two colours that both occur: with a total, with a surplus of the first."""
    every = [Term(shape=shape) for shape in SHAPES], [Term(color=color) for color in COLORS]
    for terms in rng.sample(every, 2):
        present = [(term, found) for term in terms if (found := term.among(scene))]
        pairs = [
            (one, other, found, rest)
            for one, found in present
            for other, rest in present
            if one != other
            and total in (None, len(found) + len(rest))
            and surplus in (None, len(found) - len(rest))
        ]
        if pairs:
            return rng.choice(pairs)
    return None


def _about(text: str, answer: str, one: Term, other: Term, found: Found, rest: Found) -> Question:
    labels = (one.one,) * len(found) + (other.one,) * len(rest)
    return Question(text, answer, found + rest, labels)


def _total(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many circles and squares are there in total?"."""
    pair = _two_terms(scene, rng, total=int(answer) if answer else None)
    if pair is None:
        return None
    text = f"How many {pair[0].many} and {pair[1].many} are there in total?"
    return _about(text, str(len(pair[2]) + len(pair[3])), *pair)


def _options(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many circles and squares are there in total? (A) 2 (B) 3 (C) 4" - "B"."""
    pair = _two_terms(scene, rng)
    if pair is None:
        return None
    letter = answer or rng.choice(LETTERS)
    lowest = len(pair[2]) + len(pair[3]) - LETTERS.index(letter)
    options = " ".join(f"({name}) {lowest + i}" for i, name in enumerate(LETTERS))
    text = f"How many {pair[0].many} and {pair[1].many} are there in total? {options}"
    return _about(text, letter, *pair)


def _difference(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "How many more circles than squares are there?"."""
    surplus = int(answer) if answer else rng.randint(1, 4)
    pair = _two_terms(scene, rng, surplus=surplus)
    if pair is None:
        return None
    text = f"How many more {pair[0].many} than {pair[1].many} are there?"
    return _about(text, str(surplus), *pair)


def _more(scene: Scene, rng: Random, answer: str | None) -> Question | None:
    """Asks "Are there more red things than blue things?"; never asked of equal numbers."""
    wanted = answer or rng.choice(YES_NO)
    sizes = range(1, 9) if wanted == "yes" else range(-8, 0)
    for surplus in rng.sample(sizes, len(sizes)):
        pair = _two_terms(scene, rng, surplus=surplus)
        if pair is not None:
            text = f"Are there more {pair[0].many} than {pair[1].many}?"
            return _about(text, wanted, *pair)
    return None


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
