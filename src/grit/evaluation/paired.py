"""What changed between two evaluations, question by question."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.metrics import METRICS, unique_rows
from grit.evaluation.over_runs import Bounds, Source, by_draw, t_interval, t_test
from grit.evaluation.predictions import ScoredPrediction


def difference(
    before: Sequence[ScoredPrediction], after: Sequence[ScoredPrediction], metric: str
) -> Estimate:
    """The mean of after minus before over the questions that both scored, in the metric's unit.

    Pairing the questions takes their difficulty out of the interval, which is therefore narrower
    than those of the two means suggest. Questions about one picture are drawn together.

    Args:
        before: rows of one set.
        after: rows of the same set.
        metric: a name of ``METRICS``.
    """
    score = METRICS[metric]
    was = {row.prediction.id: score.value(row) for row in unique_rows(before)}
    changes = [
        (value - old, row.prediction.picture)
        for row in unique_rows(after)
        if (value := score.value(row)) is not None
        and (old := was.get(row.prediction.id)) is not None
    ]
    values = np.array([change for change, _ in changes])
    return estimate(values * score.scale, [picture for _, picture in changes])


class Comparison(NamedTuple):
    """A difference, and how likely one so large is where there is none."""

    difference: Estimate
    p_value: float | None  # two-sided; None without an interval


def compared(
    baseline: Sequence[Mapping[str, float]],
    ours: Sequence[Mapping[str, float]],
    bounds: Bounds,
    pictures: Mapping[str, Hashable] = MappingProxyType({}),
    draws: tuple[Sequence[Hashable] | None, Sequence[Hashable] | None] = (None, None),
    set_of: Callable[[str], Hashable] = lambda _: None,
) -> Comparison:
    """The mean of ours minus the baseline over the questions that all runs scored, and its t-test.

    The interval is a t-interval of the questions, which are paired, and of the seeds and draws of
    triplets of either side, which are not. A side with one run adds nothing for its seed: what is
    found is then about that checkpoint, or about a model that was not trained.

    Args:
        baseline: of each run, the score of each question.
        ours: the same of the runs that are compared with them.
        bounds: what a difference can be.
        pictures: of questions that may share one: their differences are not independent. A question
            that is not there has a picture of its own.
        draws: the triplets of each baseline run, and of each of ours (see ``by_draw``).
        set_of: the test set of a question. A set weighs as much as it has questions that any run
            scored: those that a judge failed on in one set do not make it weigh less.
    """
    asked, common = (kind(*map(set, (*baseline, *ours))) for kind in (set.union, set.intersection))
    questions = sorted(common)
    if not questions:
        return Comparison(estimate(np.empty(0)), None)
    weights = _weights(questions, asked, set_of)  # [questions], 1 on average
    was, now = (  # [runs or draws, questions]
        by_draw(np.array([[run[each] for each in questions] for run in runs]), of_side)
        for runs, of_side in zip((baseline, ours), draws, strict=True)
    )
    was, now = was * weights, now * weights
    sources = [Source.of(runs.mean(axis=1).tolist()) for runs in (was, now) if len(runs) > 1]
    change = now.mean(axis=0) - was.mean(axis=0)
    mean = float(change.mean())
    change -= mean * (weights - 1)  # about its set's part of the mean
    shown = [pictures.get(question, question) for question in questions]
    if len(set(shown)) == 1:
        return Comparison(Estimate(mean, None, None, len(questions)), None)
    of_questions = Source.of_clusters(change.tolist(), shown)
    every = [of_questions, *sources]
    return Comparison(t_interval(mean, every, len(questions), bounds), t_test(mean, every))


def _weights(
    questions: Sequence[str], asked: Collection[str], set_of: Callable[[str], Hashable]
) -> np.ndarray:
    """How much each of ``questions`` counts, so that sets weigh as all that was ``asked`` does."""
    every, left = Counter(map(set_of, asked)), Counter(map(set_of, questions))
    scale = len(questions) / sum(every[name] for name in left)
    return np.array([scale * every[name] / left[name] for name in map(set_of, questions)])


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for several comparisons: p-values that may be held against one level.

    The smallest of m is multiplied by m, the next by m - 1 and so on, never falling (Holm, 1979).
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = largest
    return corrected
