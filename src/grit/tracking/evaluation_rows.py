"""Rows of an evaluation as a table for a dashboard: questions, answers, pictures, reward parts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from PIL import Image

from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Space
from grit.judge.judge import Query
from grit.pages.chains import is_right
from grit.pages.gallery import PictureOf, stable_rank
from grit.rewards.response import Attempt
from grit.rewards.reward import Outcome, Reward

Rows = Mapping[str, Sequence[ScoredPrediction]]  # by set
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
    for name, rows in after.items():
        was = {row.prediction.id: row for row in before.get(name, ())}
        chosen = chosen_rows(rows, most)
        outcomes = [None] * len(chosen) if reward is None else outcomes_of(reward, chosen)
        for row, outcome in zip(chosen, outcomes, strict=True):
            said = row.prediction
            image = picture_of(said.set, said.id)
            picture = None if image is None or said.space is None else draw(image, said.space, row)
            cells = _cells(was.get(said.id), row, picture)
            table.rows.append([*cells, *_paid(outcome, terms)])
    return table


def chosen_rows(rows: Sequence[ScoredPrediction], most: int) -> list[ScoredPrediction]:
    """At most ``most`` of a set's rows, the same ones in every run by `stable_rank`."""
    return list(islice(sorted(unique_rows(rows), key=stable_rank), most))


def outcomes_of(reward: Reward, rows: Sequence[ScoredPrediction]) -> list[Outcome | None]:
    """The reward of each row, computed from the recorded scores without asking the judge.

    None for rows whose true answer the reward cannot use.
    """
    attempts = [_attempt(row) for row in rows]
    usable = [reward.fault(said.dataset, said.answer) is None for said in attempts]
    scores = _Scores(rows)
    outcomes = iter(
        reward.score([said for said, fits in zip(attempts, usable, strict=True) if fits], scores)
    )
    return [next(outcomes) if fits else None for fits in usable]


class _Scores:
    """A judge that returns the recorded scores of these rows."""

    name = "remembered"

    def __init__(self, rows: Sequence[ScoredPrediction]) -> None:
        self.scores = {
            Query(row.prediction.question, row.prediction.truth, row.answer or ""): row.acc
            for row in rows
        }

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        return [self.scores.get(query) for query in queries]


def _attempt(row: ScoredPrediction) -> Attempt:
    said = row.prediction
    return Attempt(
        *(said.question, said.truth, said.dataset, said.completion),
        spoken=said.spoken,
        space=said.space,
        true_boxes=said.true_boxes,
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
