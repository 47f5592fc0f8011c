"""An evaluation in Weights & Biases: its metrics, and a table of rows with their boxes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import wandb

from grit.evaluation.metrics import unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.judge.judge import Query
from grit.pages.chains import is_right
from grit.pages.gallery import PictureOf, stable_rank
from grit.rewards.response import Attempt
from grit.rewards.reward import Outcome, Reward
from grit.runs.results import Results
from grit.tracking.wandb_images import ANNOTATED, SAID, boxed_image

Rows = Mapping[str, Sequence[ScoredPrediction]]  # by set
STEP = "trainer/global_step"  # the x axis that Lightning gives every metric

_COLUMNS = (
    *("set", "id", "picture", "question", "truth", "answer before", "answer", "change", "right"),
    *("acc", "exact match", "giou", "format", "completion before", "completion"),
)
_CHANGES = {(False, True): "wrong, now right", (True, False): "right, now wrong"}


def log_numbers(run: Any, results: Results, step: int) -> None:
    """Log every metric of every set as ``eval/SET/METRIC``, and its mean as ``eval/mean/METRIC``.

    Args:
        run: of W&B.
        results: of one evaluation.
        step: number of training steps done.
    """
    values: dict[str, list[float]] = {}
    numbers: dict[str, float] = {STEP: step}
    for name, result in results.sets.items():
        for metric, estimate in result.metrics.items():
            if estimate.mean is not None:
                numbers[f"eval/{name}/{metric}"] = estimate.mean
                values.setdefault(metric, []).append(estimate.mean)
    run.log(numbers | {f"eval/mean/{metric}": fmean(means) for metric, means in values.items()})


def log_rows(
    run: Any,
    before: Rows,
    after: Rows,
    picture_of: PictureOf,
    *,
    reward: Reward | None,
    most: int,
) -> None:
    """Log ``evaluation``, a table of at most ``most`` rows of each set, chosen by `stable_rank`.

    Args:
        run: of W&B.
        before: scored rows before training; may be empty.
        after: scored rows of the evaluation that counts.
        picture_of: an image by set and id.
        reward: for columns with the reward and its terms; None leaves them out.
        most: rows of a set.
    """
    terms = [] if reward is None else list(reward.terms)
    columns = [*_COLUMNS, *(["reward", *(f"reward {term}" for term in terms)] if terms else [])]
    table = wandb.Table(columns=columns)
    for name, rows in after.items():
        was = {row.prediction.id: row for row in before.get(name, ())}
        chosen = list(islice(sorted(unique_rows(rows), key=stable_rank), most))
        outcomes = [None] * len(chosen) if reward is None else outcomes_of(reward, chosen)
        for row, outcome in zip(chosen, outcomes, strict=True):
            cells = _cells(was.get(row.prediction.id), row, picture_of)
            table.add_data(*cells, *_paid(outcome, terms))
    run.log({"evaluation": table})


def log_report(run: Any, report: Path) -> None:
    """Log ``report.html``."""
    run.log({"report": wandb.Html(report.read_text(encoding="utf-8"), inject=False)})


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


def _cells(
    was: ScoredPrediction | None, now: ScoredPrediction, picture_of: PictureOf
) -> Iterator[Any]:
    said, right = now.prediction, is_right(now)
    old = None if was is None else is_right(was)
    change = _CHANGES.get((old, right), "") if old is not None and right is not None else ""
    yield from (said.set, said.id, _picture(now, picture_of), said.question, said.truth)
    yield from (None if was is None else was.answer, now.answer, change, right)
    yield from (now.acc, now.exact_match, now.giou, now.format)
    yield from (None if was is None else was.prediction.completion, said.completion)


def _picture(row: ScoredPrediction, picture_of: PictureOf) -> wandb.Image | None:
    said = row.prediction
    image = picture_of(said.set, said.id)
    if image is None or said.space is None:
        return None
    layers = {ANNOTATED: said.true_boxes or (), SAID: row.boxes or ()}
    return boxed_image(image, said.space, layers)


def _paid(outcome: Outcome | None, terms: Sequence[str]) -> list[float | None]:
    if not terms:
        return []
    if outcome is None:
        return [None] * (len(terms) + 1)
    return [outcome.total, *(outcome.components[term] for term in terms)]
