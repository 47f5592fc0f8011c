"""The metrics of a test set: means over unique rows, with 95% intervals.

They do not depend on the batch size, the order of rows or the world size: values are kept per
row, duplicates from padding are dropped, and rows are sorted by a hash of their id before the mean
and the interval are computed.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, get_args

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from grit.core.seeding import seed_for
from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.consistency import Consistency, answers_right, consistency
from grit.evaluation.predictions import ScoredPrediction


class Score(NamedTuple):
    """What a metric is the mean of."""

    value: Callable[[ScoredPrediction], float | None]  # of a row, 0 to 1; None: it has none
    scale: float = 1.0  # maximum of the metric; its minimum is 0


def _binary_acc(row: ScoredPrediction) -> float | None:
    right = answers_right(row)
    return None if right is None else float(right)


def _share_of(kind: Consistency) -> Score:
    """1 for a row of this kind, 0 for any other; over the rows that have both ACC and GIoU."""

    def value(row: ScoredPrediction) -> float | None:
        found = consistency(row)
        return None if found is None else float(found == kind)

    return Score(value)


METRICS: dict[str, Score] = {  # by their names in results.json
    # The paper's ACC: the judge's mean score.
    "acc": Score(attrgetter("acc"), 100.0),
    # The usual meaning of accuracy: the share of answers that the judge scores above 0.5. It equals
    # ACC if every score is 0 or 1, and differs from it if the judge gives scores in between.
    "acc_binary": Score(_binary_acc, 100.0),
    # Share of answers that equal the true one after normalisation.
    "exact_match": Score(attrgetter("exact_match"), 100.0),
    # Mean IoU of the union of all predicted and the union of all true boxes.
    "giou": Score(attrgetter("giou")),
    # Share of completions in the format that the prompt asks for.
    "format_rate": Score(attrgetter("format")),
    # Share of a chain's labelled boxes that show what their label names, of drawn scenes alone; the
    # mean is over chains that have labelled boxes.
    "named_boxes": Score(attrgetter("prediction.named_boxes")),
    # Right and wrong answers with right boxes (GIoU of 0.5 or more) and without; they sum to 1.
    **{kind: _share_of(kind) for kind in get_args(Consistency)},
}


class RowMetric(Metric):
    """The mean of one score over the rows that have it.

    Every rank must call ``update`` before ``compute``, with an empty list if it has no rows. Of
    several rows with the same id only the first counts.
    """

    full_state_update = False

    ids: list[torch.Tensor]
    pictures: list[torch.Tensor]
    values: list[torch.Tensor]

    def __init__(self, score: Score, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.score = score
        for state in ("ids", "pictures", "values"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def update(self, rows: Iterable[ScoredPrediction]) -> None:
        """Add rows; those without a value are left out."""
        known = [(row, value) for row in rows if (value := self.score.value(row)) is not None]
        ids = [seed_for(row.prediction.set, row.prediction.id) for row, _ in known]
        pictures = [seed_for("picture", row.prediction.picture) for row, _ in known]
        values = [value for _, value in known]
        self.ids.append(torch.tensor(ids, dtype=torch.int64, device=self.device))
        self.pictures.append(torch.tensor(pictures, dtype=torch.int64, device=self.device))
        # float64 whatever the default is: sums of thousands of scores stay exact enough
        self.values.append(torch.tensor(values, dtype=torch.float64, device=self.device))

    def compute(self) -> Estimate:
        """The mean times the score's scale, its 95% interval, and the number of rows behind it.

        The interval is over pictures where rows share some.
        """
        if not len(self.ids):
            return estimate(np.empty(0))
        ids = dim_zero_cat(self.ids).cpu().numpy()
        values = dim_zero_cat(self.values).cpu().numpy()
        _, first = np.unique(ids, return_index=True)  # sorted by id; the first of equal ones
        pictures = dim_zero_cat(self.pictures).cpu().numpy()[first]
        return estimate(values[first] * self.score.scale, pictures.tolist())


def unique_rows(rows: Iterable[ScoredPrediction]) -> list[ScoredPrediction]:
    """The first row of each set and id, sorted by place in the set."""
    by_id: dict[tuple[str, str], ScoredPrediction] = {}
    for row in rows:
        by_id.setdefault((row.prediction.set, row.prediction.id), row)
    return sorted(by_id.values(), key=lambda row: row.prediction.row)


def estimates(rows: Sequence[ScoredPrediction]) -> dict[str, Estimate]:
    """Every metric over ``rows``, which must be those of all ranks: nothing is gathered."""
    found = {}
    for name, score in METRICS.items():
        metric = RowMetric(score, sync_on_compute=False)
        metric.update(rows)
        found[name] = metric.compute()
    return found
