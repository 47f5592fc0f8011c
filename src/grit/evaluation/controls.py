"""Controls: the scores that a model would reach without looking at the images.

A model that always answers "no" is right as often as the true answer is no. A box in the middle of
every image overlaps with the annotations, because objects tend to be there. And a right answer can
come with wrong boxes. The controls measure these three baselines for each test set.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from statistics import fmean
from typing import Any, NamedTuple

from rich.console import Console

from grit.core.seeding import seed_for
from grit.evaluation.consistency import consistency
from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.figures.table import NOTHING, Cell, Column, Row, Section, Table, single
from grit.figures.terminal_format import print_table
from grit.grounding.boxes import Box, Space, union_iou
from grit.judge.words import answer_key

CONSTANT = 0.9  # share of all answers from which the most common one is printed as a warning
_SHOWN = 8  # most common answers in the histogram
_BAR = 5  # characters of a bar
_LABELS = 15  # characters beside a bar
_COLUMNS = (
    Column("", "Majority\nACC", words=True),
    *(Column("", name) for name in ("Central\nGIoU", "Shuffled\nGIoU", "Right +\ngrounded")),
    Column("", "Answers\ngiven", words=True),
)


class AnswerCount(NamedTuple):
    """How often a model gave an answer, and how often it is the true one."""

    answer: str | None  # normalised; None: the completion has no answer
    given: int
    true: int


@dataclass(frozen=True)
class Controls:
    """The controls of one test set; None where the set lacks the data for one."""

    n: int  # rows
    majority_answer: str | None  # the most common true answer; None for sets whose answer is a box
    majority_acc: float | None  # accuracy of always answering that, 0 to 100
    central_box_giou: float | None  # GIoU of one box, the middle half of width and height, 0 to 1
    shuffled_giou: float | None  # GIoU of the model's own boxes on other images of the set, 0 to 1
    grounded_correct: float | None  # share of the right answers whose boxes are right, 0 to 1
    answers: tuple[AnswerCount, ...]  # the model's most common ones, eight at most
    kinds: int  # number of distinct answers

    @property
    def top_share(self) -> float:
        """Share of the most common answer among all, 0 to 1; near 1 for a constant answer."""
        return self.answers[0].given / self.n if self.n else 0.0


def controls(rows: Sequence[ScoredPrediction], seed: int = 0) -> Controls:
    """The controls of one set's rows; ``seed`` draws the permutation of ``shuffled_giou``."""
    unique = unique_rows(rows)
    majority, accuracy = _majority(unique)
    common, kinds = _histogram(unique)
    return Controls(
        n=len(unique),
        majority_answer=majority,
        majority_acc=accuracy,
        central_box_giou=_central_box_giou(unique),
        shuffled_giou=_shuffled_giou(unique, seed),
        grounded_correct=_grounded_correct(unique),
        answers=common,
        kinds=kinds,
    )


def print_controls(
    sets: Mapping[str, Controls], title: str | None = None, console: Console | None = None
) -> None:
    """Print a row for each set; a set that always gets the same answer has a full, red bar."""
    rows = tuple(Row(name, _cells(controls)) for name, controls in sets.items())
    table = Table("", _COLUMNS, (Section("", rows),), corner="Set")
    print_table(table, console, title=title)


def _cells(controls: Controls) -> tuple[Cell, ...]:
    always = NOTHING
    if controls.majority_acc is not None:
        always = f"{controls.majority_acc:5.1f} {clipped(controls.majority_answer, 6)}"
    filled = round(_BAR * controls.top_share)
    given = f"{'█' * filled}{'░' * (_BAR - filled)} {_shares(controls)}"
    return (
        Cell(always),
        single(controls.central_box_giou, 3),
        single(controls.shuffled_giou, 3),
        single(controls.grounded_correct, 2),
        Cell(given, warning=controls.top_share >= CONSTANT),
    )


def clipped(answer: str | None, most: int) -> str:
    """An answer in one line, shortened to ``most`` characters; "(none)" for no answer."""
    if answer is None:
        return "(none)"
    line = " ".join(answer.split())
    return line if len(line) <= most else line[: most - 2] + ".."


def _majority(rows: Sequence[ScoredPrediction]) -> tuple[str | None, float | None]:
    truths = Counter(answer_key(r.prediction.truth) for r in rows if not r.prediction.truth_is_box)
    if not truths:
        return None, None
    answer, count = _by_count(truths)[0]
    return answer, 100 * count / truths.total()


def _histogram(rows: Sequence[ScoredPrediction]) -> tuple[tuple[AnswerCount, ...], int]:
    given = Counter(None if row.answer is None else answer_key(row.answer) for row in rows)
    true: Counter[str | None] = Counter(answer_key(row.prediction.truth) for row in rows)
    common = _by_count(given)[:_SHOWN]
    return tuple(AnswerCount(answer, count, true[answer]) for answer, count in common), len(given)


def _by_count(counter: Counter[Any]) -> list[tuple[Any, int]]:
    """Keys and counts, most common first; ties in alphabetical order."""
    return sorted(counter.items(), key=lambda item: (-item[1], item[0] or ""))


def _central_box_giou(rows: Sequence[ScoredPrediction]) -> float | None:
    return _mean(
        union_iou([_central_box(boxes[0].space)], boxes)
        for boxes in (row.prediction.annotated for row in rows)
        if boxes
    )


def _central_box(space: Space) -> Box:
    width, height = space.width, space.height
    return Box(width / 4, height / 4, 3 * width / 4, 3 * height / 4, space)


def _shuffled_giou(rows: Sequence[ScoredPrediction], seed: int) -> float | None:
    """Mean GIoU when each row gets predicted boxes of another image, scaled to its own."""
    images: dict[tuple[str, ...], list[ScoredPrediction]] = {}
    for row in rows:
        if row.prediction.annotated:
            images.setdefault(row.prediction.picture, []).append(row)
    if len(images) < 2:  # there is no other image
        return None
    groups = list(images.values())
    others = [groups[place] for place in _derangement(len(groups), seed)]
    return _mean(
        union_iou([box.to(true[0].space) for box in donor.boxes or ()], true)
        for group, other in zip(groups, others, strict=True)
        for row, donor in zip(group, cycle(other), strict=False)
        if (true := row.prediction.annotated)
    )


def _derangement(n: int, seed: int) -> list[int]:
    """A permutation of ``range(n)`` without fixed points (Sattolo's algorithm)."""
    random = Random(seed_for("controls", "derangement", seed))
    places = list(range(n))
    for last in range(n - 1, 0, -1):
        other = random.randrange(last)  # never `last` itself
        places[last], places[other] = places[other], places[last]
    return places


def _grounded_correct(rows: Sequence[ScoredPrediction]) -> float | None:
    kinds = Counter(consistency(row) for row in rows)
    grounded = kinds["right_with_right_boxes"]
    right = grounded + kinds["right_without"]
    return grounded / right if right else None


def _mean(values: Any) -> float | None:
    values = list(values)
    return fmean(values) if values else None


def _shares(found: Controls) -> str:
    if not found.answers or 2 * found.kinds > found.n:
        return f"{found.kinds} different"
    first, *more = (
        f"{clipped(one.answer, 8)} {100 * one.given / found.n:.0f}%" for one in found.answers
    )
    both = ", ".join([first, *more[:1]])
    return both if len(both) <= _LABELS else first
