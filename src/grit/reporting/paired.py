"""What changed between two evaluations, question by question."""

from collections.abc import Mapping, Sequence

import numpy as np

from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.metrics import METRICS, unique_rows
from grit.evaluation.predictions import ScoredPrediction

_RESAMPLES = 2000
_SEED = 20


def difference(
    before: Sequence[ScoredPrediction], after: Sequence[ScoredPrediction], metric: str
) -> Estimate:
    """The mean of after minus before over the questions that both scored, in the metric's unit.

    Pairing the questions takes their difficulty out of the interval, which is therefore narrower
    than those of the two means suggest.

    Args:
        before: rows of one set.
        after: rows of the same set.
        metric: a name of ``METRICS``.
    """
    kind = METRICS[metric]
    was = {row.prediction.id: getattr(row, kind.score) for row in unique_rows(before)}
    changes = [
        value - was[row.prediction.id]
        for row in unique_rows(after)
        if (value := getattr(row, kind.score)) is not None
        and was.get(row.prediction.id) is not None
    ]
    return estimate(np.array(changes) * kind.scale)


def difference_of_runs(
    baseline: Sequence[Mapping[str, float]], ours: Sequence[Mapping[str, float]]
) -> Estimate:
    """The mean of ours minus the baseline over the questions that all runs scored.

    The interval is that of a bootstrap over the questions, which are paired, and over the runs of
    either side, which are not: a run's seed is drawn as well as its questions are.

    Args:
        baseline: of each run, the score of each question.
        ours: the same of the runs that are compared with them.
    """
    common = set.intersection(*(set(run) for run in (*baseline, *ours)))
    questions = sorted(common)
    if not questions:
        return estimate(np.empty(0))
    was, now = (  # [runs, questions]
        np.array([[run[each] for each in questions] for run in runs]) for runs in (baseline, ours)
    )
    random = np.random.default_rng(_SEED)
    drawn = random.integers(len(questions), size=(_RESAMPLES, len(questions)))
    means = _resampled_means(now, drawn, random) - _resampled_means(was, drawn, random)
    low, high = np.percentile(means, [2.5, 97.5])
    mean = float(now.mean() - was.mean())
    return Estimate(mean, float(low), float(high), len(questions))


def _resampled_means(
    scores: np.ndarray, questions: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """The mean of ``scores`` [runs, questions] in each resample, with runs drawn for it too.

    ``questions`` are the drawn ones, [resamples, questions].
    """
    of_runs = np.stack([run[questions].mean(axis=1) for run in scores], axis=1)
    runs = random.integers(len(scores), size=(len(questions), len(scores)))
    return np.take_along_axis(of_runs, runs, axis=1).mean(axis=1)
