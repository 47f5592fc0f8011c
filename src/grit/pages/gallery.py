"""Which reasoning chains a report shows: good, bad and changed ones, the same on every call.

Among the rows of a kind a fixed random rank decides, not a score: what is shown is typical of it,
and a run that does well cannot look better than it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from PIL import Image

from grit.core.seeding import seed_for
from grit.evaluation.consistency import RIGHT_BOXES
from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.pages.chains import Chain, EmbeddedPicture, chain_of, embedded, is_right

Kind = Literal["fixed", "broken", "good", "bad"]
PictureOf = Callable[[str, str], Image.Image | None]  # set and id -> the image; None: not there
Rows = Mapping[str, Sequence[ScoredPrediction]]  # by set

EACH: Mapping[Kind, int] = {"fixed": 2, "broken": 1, "good": 2, "bad": 2}  # of a set
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
        return [kind for kind in EACH if kind in there]


def gallery(before: Rows, after: Rows, picture_of: PictureOf, *, budget: int = BUDGET) -> Gallery:
    """Choose and draw; cards beyond the budget are left out, from all sets alike."""
    chosen = {name: choose(before.get(name, ()), rows) for name, rows in after.items()}
    cards: dict[str, list[Card]] = {name: [] for name, examples in chosen.items() if examples}
    spent = left_out = 0
    for turn in zip_longest(*chosen.values()):  # the first of every set, then the second, ...
        for name, example in zip(chosen, turn, strict=True):
            if example is None:
                continue
            card = _card(example, picture_of)
            if spent + _cost(card) > budget:
                left_out += 1
                continue
            spent += _cost(card)
            cards[name].append(card)
    return Gallery({name: shown for name, shown in cards.items() if shown}, left_out)


def choose(before: Sequence[ScoredPrediction], after: Sequence[ScoredPrediction]) -> list[Example]:
    """A few examples of each kind from one set, in the order fixed, broken, good, bad.

    fixed, broken: the answer was wrong before and is right after, and the reverse.
    good: right, with right boxes where there are some to compare with, in the format otherwise.
    bad: wrong, with boxes if possible: there is more to see.
    """
    was = {row.prediction.id: row for row in unique_rows(before)}
    rows = sorted(unique_rows(after), key=stable_rank)
    pairs = [(was.get(row.prediction.id), row) for row in rows]
    kinds: dict[Kind, Iterable[Example]] = {
        "fixed": _changed("fixed", pairs, right=True),
        "broken": _changed("broken", pairs, right=False),
        "good": [
            Example("good", row)
            for row in sorted(rows, key=_is_shaky)  # stable: the rank decides among equals
            if is_right(row) is True
        ],
        "bad": [
            Example("bad", row)
            for row in sorted(rows, key=lambda row: not row.boxes)
            if is_right(row) is False
        ],
    }
    chosen: list[Example] = []
    for kind, candidates in kinds.items():
        used = {example.after.prediction.id for example in chosen}
        fresh = [each for each in candidates if each.after.prediction.id not in used]
        chosen += fresh[: EACH[kind]]
    return chosen


def _cost(card: Card) -> int:
    """About how many characters the card takes: its picture, most of all, and its boxes."""
    drawn = (_PIECE * len(chain.pieces) + _MARK * len(chain.marks) for _, chain in card.chains)
    return len(card.picture.uri) + sum(drawn)


def _changed(
    kind: Kind,
    pairs: Sequence[tuple[ScoredPrediction | None, ScoredPrediction]],
    *,
    right: bool,
) -> list[Example]:
    """Answers whose rightness is now ``right`` and was the opposite."""
    return [
        Example(kind, row, was)
        for was, row in pairs
        if was is not None and is_right(row) is right and is_right(was) is (not right)
    ]


def stable_rank(row: ScoredPrediction) -> int:
    """A row's random rank: the same on every call, whatever was said."""
    return seed_for("gallery", row.prediction.set, row.prediction.id)


def _is_shaky(row: ScoredPrediction) -> bool:
    return not row.format if row.giou is None else row.giou < RIGHT_BOXES


def _card(example: Example, picture_of: PictureOf) -> Card:
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
