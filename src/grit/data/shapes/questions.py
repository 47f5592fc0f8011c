"""Questions about a scene, the templates that make them, and descriptions of things."""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES, Thing, plural


@dataclass(frozen=True)
class Question:
    """A question with its answer and the things that it is about."""

    text: str
    answer: str
    things: tuple[int, ...]  # positions in the scene
    labels: tuple[str, ...]  # a label for each of `things`
    answer_is_box: bool = False


QuestionMaker = Callable[[Scene, Random, str | None], Question | None]
"""Makes a question about a scene with the given answer (None: any); None if there is none."""


@dataclass(frozen=True)
class Template:
    """One form of question; data sets are balanced over its answers."""

    name: str
    ask: QuestionMaker
    answers: tuple[str, ...] = ()  # (): whatever the scene allows
    train_answers: tuple[str, ...] = ()  # (): in the train split too, it is `answers`
    weight: int = 1
    counts: bool = False  # the answer is a number of things: the scene needs at least so many

    def answers_in(self, split: str) -> tuple[str, ...]:
        """The answers that a data set of this split is balanced over."""
        return (self.train_answers if split == "train" else ()) or self.answers


@dataclass(frozen=True)
class Kind:
    """A kind of question: the miniature of a test set, or for pre-training alone."""

    name: str
    templates: tuple[Template, ...]
    in_domain: bool = False
    boxes_in_tests: bool = True  # False: the test set has no boxes, as in the paper

    @property
    def dataset(self) -> str:
        """The name that samples, rewards and results carry: "shapes_vsr"."""
        return f"shapes_{self.name}"


YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Term:
    """A description of things: "red circle", "circle", "red thing", "thing"."""

    shape: str | None = None
    color: str | None = None

    @property
    def singular(self) -> str:
        """For one thing: "red circle"."""
        return " ".join(word for word in (self.color, self.shape or "thing") if word)

    @property
    def plural(self) -> str:
        """For several: "red circles"."""
        return " ".join(word for word in (self.color, plural(self.shape or "thing")) if word)

    def matches(self, thing: Thing) -> bool:
        """Whether the description fits a thing."""
        return self.shape in (None, thing.shape) and self.color in (None, thing.color)

    def among(self, scene: Scene) -> tuple[int, ...]:
        """The positions of the matching things, in the scene's order."""
        return tuple(i for i, thing in enumerate(scene.things) if self.matches(thing))


def term_with(
    scene: Scene, rng: Random, counts: Container[int]
) -> tuple[Term, tuple[int, ...]] | None:
    """A random description that a number of things in `counts` match, and their positions.

    Descriptions by shape, by colour and by both are equally likely. A shape and colour together
    that no thing has are used only if the scene has the shape or the colour: otherwise "is there a
    red circle" could be answered from the absence of red. None if no description fits.
    """
    matching: dict[tuple[str | None, str | None], list[int]] = {}
    for i, thing in enumerate(scene.things):
        for key in ((thing.shape, None), (None, thing.color), (thing.shape, thing.color)):
            matching.setdefault(key, []).append(i)
    both = [(s, c) for s, c in scene.domain.names if (s, None) in matching or (None, c) in matching]
    groups = [(s, None) for s in SHAPES], [(None, c) for c in COLORS], both
    fitting = [[key for key in group if len(matching.get(key, ())) in counts] for group in groups]
    fitting = [group for group in fitting if group]
    if not fitting:
        return None
    key = rng.choice(rng.choice(fitting))
    return Term(*key), tuple(matching.get(key, ()))


def lone_things(scene: Scene, rng: Random, by: str) -> Iterator[tuple[Term, int]]:
    """Terms that a single thing matches, in random order, with the position of that thing.

    Args:
        scene: with the things.
        rng: draws the order.
        by: what the terms describe: "shape" or "color".
    """
    values = SHAPES if by == "shape" else tuple(COLORS)
    for value in rng.sample(values, len(values)):
        term = Term(**{by: value})
        matching = term.among(scene)
        if len(matching) == 1:
            yield term, matching[0]


def uniquely_named(scene: Scene) -> list[int]:
    """The positions of things whose shape and colour together are unique in the scene."""
    names = [thing.name for thing in scene.things]
    return [i for i, name in enumerate(names) if names.count(name) == 1]


def shuffled(rng: Random, items: Sequence[int]) -> list[int]:
    """The items in random order, as a new list."""
    return rng.sample(items, len(items))
