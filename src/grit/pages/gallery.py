"""Which reasoning chains a report shows: good, lucky, bad and changed ones, the same every time.

Among the rows of a kind a fixed random rank decides, not a score: what is shown is typical of it,
and a run that does well cannot look better than it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal, get_args

from PIL import Image

from grit.core.seeding import seed_for
from grit.evaluation.consistency import boxes_right
from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.pages.chains import Chain, EmbeddedPicture, chain_of, embedded, is_right

Kind = Literal["fixed", "broken", "good", "lucky", "bad", "unjudged"]
PictureOf = Callable[[str, str], Image.Image | None]  # set and id -> the image; None: not there
Rows = Mapping[str, Sequence[ScoredPrediction]]  # by set

EACH: Mapping[Kind, int] = {"fixed": 2, "broken": 1, "good": 2, "lucky": 1, "bad": 2}  # of a set
SMALL = 12  # rows of a set that is shown whole
BUDGET = 3_500_000  # characters of all cards in one page
_PIECE, _MARK = 150, 700  # characters that one takes in the page, about


@dataclass(frozen=True)
class Example:
    """A test question, and what was said to it."""

    kind: Kind
    after: ScoredPrediction
    before: ScoredPrediction | None = None  # for changed answers only


@dataclass(frozen=True)
class Card:
    """An example, ready to draw."""

    kind: Kind
    question: str
    truth: str
    id: str
    picture: EmbeddedPicture
    chains: tuple[tuple[str, Chain], ...]  # with their headings: before, after


@dataclass(frozen=True)
class Gallery:
    """The cards of every set, and how many were left out to keep the page small."""

    sets: Mapping[str, Sequence[Card]] = field(default_factory=dict)
    left_out: int = 0

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of which there is a card."""
        there = {card.kind for cards in self.sets.values() for card in cards}
        return [kind for kind in get_args(Kind) if kind in there]


def gallery(before: Rows, after: Rows, picture_of: PictureOf, *, budget: int = BUDGET) -> Gallery:
    """Choose and draw; cards beyond the budget are left out, from all sets alike."""
    chosen = {name: choose(before.get(name, ()), rows) for name, rows in after.items()}
    cards: dict[str, list[Card]] = {name: [] for name, examples in chosen.items() if examples}
    spent = left_out = 0
    for turn in zip_longest(*chosen.values()):  # the first of every set, then the second, ...
        for name, example in zip(chosen, turn, strict=True):
            if example is None:
                continue
            card = card_of(example, picture_of)
            if spent + _cost(card) > budget:
                left_out += 1
                continue
            spent += _cost(card)
            cards[name].append(card)
    return Gallery({name: shown for name, shown in cards.items() if shown}, left_out)


def choose(before: Sequence[ScoredPrediction], after: Sequence[ScoredPrediction]) -> list[Example]:
    """A few examples of each kind from one set, in the order of the kinds; all of a small set."""
    examples = examples_of(before, after)
    if len(examples) <= SMALL:
        return examples
    chosen: list[Example] = []
    for kind, count in EACH.items():
        candidates = [example for example in examples if example.kind == kind]
        if kind == "bad":  # with boxes if possible: there is more to see
            candidates.sort(key=lambda example: not example.after.boxes)
        chosen += candidates[:count]
    return chosen


def examples_of(
    before: Sequence[ScoredPrediction], after: Sequence[ScoredPrediction]
) -> list[Example]:
    """Every row of a set by its kind, in the order of the kinds, by random rank within each."""
    was = {row.prediction.id: row for row in unique_rows(before)}
    order = get_args(Kind)
    examples = []
    for row in sorted(unique_rows(after), key=stable_rank):
        old = was.get(row.prediction.id)
        kind = kind_of(row, old)
        examples.append(Example(kind, row, old if kind in ("fixed", "broken") else None))
    return sorted(examples, key=lambda example: order.index(example.kind))


def kind_of(row: ScoredPrediction, before: ScoredPrediction | None = None) -> Kind:
    """What a row is an example of.

    fixed, broken: the answer was wrong before and is right after, and the reverse.
    good: the answer is right and so are the boxes; where none are annotated, the chain is in the
    format. lucky: the answer is right without. bad: the answer is wrong.
    """
    right = is_right(row)
    if right is None:
        return "unjudged"
    if before is not None and is_right(before) is (not right):
        return "fixed" if right else "broken"
    if not right:
        return "bad"
    with_boxes = boxes_right(row)
    return "good" if (bool(row.format) if with_boxes is None else with_boxes) else "lucky"


def _cost(card: Card) -> int:
    """About how many characters the card takes: its picture, most of all, and its boxes."""
    drawn = (_PIECE * len(chain.pieces) + _MARK * len(chain.marks) for _, chain in card.chains)
    return len(card.picture.uri) + sum(drawn)


def stable_rank(row: ScoredPrediction) -> int:
    """A row's random rank: the same on every call, whatever was said."""
    return seed_for("gallery", row.prediction.set, row.prediction.id)


def card_of(example: Example, picture_of: PictureOf) -> Card:
    """The example, ready to draw, with what was said before if that is part of it."""
    said = example.after.prediction
    chains = [("after", chain_of(example.after))]
    if example.before is not None:
        chains.insert(0, ("before", chain_of(example.before)))
    return Card(
        kind=example.kind,
        question=said.question,
        truth=said.truth,
        id=said.id,
        picture=embedded(picture_of(said.set, said.id), said.space),
        chains=tuple(chains),
    )
