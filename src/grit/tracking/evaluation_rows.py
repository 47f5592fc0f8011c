"""Rows of an evaluation as a table for a dashboard: questions, answers, pictures, reward parts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from grit.core.errors import Resumable
from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Space
from grit.judge.judge import Judge, Query
from grit.pages.chains import is_right
from grit.pages.gallery import PictureOf, Rows, stable_rank
from grit.rewards.response import Attempt
from grit.rewards.reward import Outcome, Reward

log = logging.getLogger(__name__)

Draw = Callable[[Image.Image, Space, ScoredPrediction], Any]
"""Makes a library's picture of an image, its space (original) and the row with its boxes."""

_COLUMNS = (
    *("set", "id", "picture", "question", "truth", "answer before", "answer", "change", "right"),
    *("acc", "exact match", "giou", "format", "completion before", "completion"),
)
_CHANGES = {(False, True): "wrong, now right", (True, False): "right, now wrong"}


@dataclass(frozen=True)
class RowTable:
    """Cells by row and column."""

    columns: list[str]
    rows: list[list[Any]]


def row_table(
    before: Rows,
    after: Rows,
    picture_of: PictureOf,
    draw: Draw,
    *,
    reward: Reward | None,
    most: int,
) -> RowTable:
    """At most ``most`` rows of each set.

    Args:
        before: scored rows before training; may be empty.
        after: scored rows of the evaluation that counts.
        picture_of: an image by set and id.
        draw: makes the cell of a picture.
        reward: for columns with the reward and its terms; None leaves them out.
        most: rows of a set.
    """
    terms = [] if reward is None else list(reward.terms)
    columns = [*_COLUMNS, *(["reward", *(f"reward {term}" for term in terms)] if terms else [])]
    table = RowTable(columns, [])
    chosen = [row for rows in after.values() for row in chosen_rows(rows, most)]
    outcomes = [None] * len(chosen) if reward is None else outcomes_of(reward, chosen)
    was = {(name, row.prediction.id): row for name, rows in before.items() for row in rows}
    for row, outcome in zip(chosen, outcomes, strict=True):
        said = row.prediction
        image = picture_of(said.set, said.id)
        picture = None if image is None or said.space is None else draw(image, said.space, row)
        cells = _cells(was.get((said.set, said.id)), row, picture)
        table.rows.append([*cells, *_paid(outcome, terms)])
    return table


def chosen_rows(rows: Sequence[ScoredPrediction], most: int) -> list[ScoredPrediction]:
    """At most ``most`` of a set's rows, the same ones in every run by `stable_rank`."""
    return sorted(unique_rows(rows), key=stable_rank)[:most]


def outcomes_of(reward: Reward, rows: Sequence[ScoredPrediction]) -> list[Outcome | None]:
    """The reward of each row, computed from the recorded scores without asking the judge.

    None for rows whose true answer the reward cannot use, and for those that a term fails on, which
    may have been written for the training rows alone: one line says so.
    """
    outcomes: list[Outcome | None] = []
    faults: list[Resumable] = []
    for row in rows:
        said = _attempt(row)
        found = None
        if reward.fault(said.dataset, said.answer) is None:
            try:
                (found,) = reward.score([said], _Remembered(row))
            except Resumable as error:
                faults.append(error)
        outcomes.append(found)
    if faults:
        text = "the dashboard's table has no reward for %d of %d rows: %s"
        log.warning(text, len(faults), len(rows), faults[0])
    return outcomes


class _Remembered(Judge):
    """A judge that returns the recorded score of a row."""

    name = "remembered"

    def __init__(self, row: ScoredPrediction) -> None:
        self.acc = row.acc

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        return [self.acc for _ in queries]


def _attempt(row: ScoredPrediction) -> Attempt:
    said = row.prediction
    return Attempt(
        *(said.question, said.truth, said.dataset, said.completion),
        box_space=said.box_space,
        space=said.space,
        true_boxes=said.true_boxes,
        answer_is_box=said.truth_is_box,
    )


def _cells(was: ScoredPrediction | None, now: ScoredPrediction, picture: Any) -> Iterator[Any]:
    said, right = now.prediction, is_right(now)
    old = None if was is None else is_right(was)
    change = _CHANGES.get((old, right), "") if old is not None and right is not None else ""
    yield from (said.set, said.id, picture, said.question, said.truth)
    yield from (None if was is None else was.answer, now.answer, change, right)
    yield from (now.acc, now.exact_match, now.giou, now.format)
    yield from (None if was is None else was.prediction.completion, said.completion)


def _paid(outcome: Outcome | None, terms: Sequence[str]) -> list[float | None]:
    if not terms:
        return []
    if outcome is None:
        return [None] * (len(terms) + 1)
    return [outcome.total, *(outcome.components[term] for term in terms)]
