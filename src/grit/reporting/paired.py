"""What changed between two evaluations, question by question."""

from collections.abc import Sequence

import numpy as np

from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.metrics import METRICS, unique_rows
from grit.evaluation.predictions import ScoredPrediction


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
