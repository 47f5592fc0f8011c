"""Questions about a scene: what one is, how a template asks it, and how things are described."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from random import Random

from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES, Thing, plural


@dataclass(frozen=True)
class Question:
    """A question with its answer and the things it is about, by their position in the scene."""

    text: str
    answer: str
    things: tuple[int, ...]
    labels: tuple[str, ...]  # how the question would call each of `things`
    answer_is_box: bool = False


Asking = Callable[[Scene, Random, str | None], Question | None]
"""Asks about a scene so that the given answer is right (None: any); None where it cannot."""


@dataclass(frozen=True)
class Template:
    """One form of question; data sets are balanced evenly over its answers."""

    name: str
    ask: Asking
    answers: tuple[str, ...] = ()  # (): whatever the scene gives
    train_answers: tuple[str, ...] = ()  # (): the same in the train split
    weight: int = 1
    counts: bool = False  # the answer is a number of things, which the scene must at least hold

    def answers_in(self, split: str) -> tuple[str, ...]:
        """What a data set of this split is balanced over."""
        return (self.train_answers if split == "train" else ()) or self.answers


@dataclass(frozen=True)
class Kind:
    """A kind of question: the miniature of one test set, or detection for pre-training."""

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
    """A description that things may match: "red circle", "circle", "red thing", "thing"."""

    shape: str | None = None
    color: str | None = None

    @property
    def one(self) -> str:
        """For one thing: "red circle"."""
        return " ".join(word for word in (self.color, self.shape or "thing") if word)

    @property
    def many(self) -> str:
        """For several: "red circles"."""
        return " ".join(word for word in (self.color, plural(self.shape or "thing")) if word)

    def matches(self, thing: Thing) -> bool:
        """Whether a thing is one of these."""
        return self.shape in (None, thing.shape) and self.color in (None, thing.color)

    def among(self, scene: Scene) -> tuple[int, ...]:
        """The positions of the things that match, in the scene's order."""
        return tuple(i for i, thing in enumerate(scene.things) if self.matches(thing))


def term_with(
    scene: Scene, rng: Random, counts: Container[int]
) -> tuple[Term, tuple[int, ...]] | None:
    """A description that so many things match, and those: by shape, colour or both equally often.

    None where no description is matched by any of these numbers of things. Full names of things
    that are not there are limited to those whose shape or colour is: "is there a red circle" is not
    answered by seeing no red at all.
    """
    found: dict[tuple[str | None, str | None], list[int]] = {}
    for i, thing in enumerate(scene.things):
        for key in ((thing.shape, None), (None, thing.color), (thing.shape, thing.color)):
            found.setdefault(key, []).append(i)
    named = [(s, c) for s, c in scene.domain.names if (s, None) in found or (None, c) in found]
    groups = [(s, None) for s in SHAPES], [(None, c) for c in COLORS], named
    fitting = [[key for key in group if len(found.get(key, ())) in counts] for group in groups]
    fitting = [group for group in fitting if group]
    if not fitting:
        return None
    key = rng.choice(rng.choice(fitting))
    return Term(*key), tuple(found.get(key, ()))


def only_ones(scene: Scene) -> list[int]:
    """The things whose full name is unique in the scene, so that "the red circle" is clear."""
    names = [thing.name for thing in scene.things]
    return [i for i, name in enumerate(names) if names.count(name) == 1]


def shuffled(rng: Random, items: Sequence[int]) -> list[int]:
    """The items in random order, as a new list."""
    return rng.sample(items, len(items))
