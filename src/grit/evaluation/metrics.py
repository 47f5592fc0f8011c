"""The metrics of a test set: means over unique rows, with 95% intervals.

They do not depend on the batch size, the order of rows or the world size: values are kept per
row, duplicates from padding are dropped, and rows are sorted by a hash of their id before the mean
and the interval are computed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from grit.core.seeding import seed_for
from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.consistency import Consistency, answers_right, consistency
from grit.evaluation.predictions import ScoredPrediction


class RowMetric(Metric):
    """The mean of one score over the rows that have it.

    Every rank must call ``update`` before ``compute``, with an empty list if it has no rows. Of
    several rows with the same id only the first counts.
    """

    score: ClassVar[str]  # the field of ScoredPrediction
    scale: ClassVar[float] = 1.0  # maximum of the metric; its minimum is 0
    full_state_update = False

    ids: list[torch.Tensor]
    pictures: list[torch.Tensor]
    values: list[torch.Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("ids", default=[], dist_reduce_fx="cat")
        self.add_state("pictures", default=[], dist_reduce_fx="cat")
        self.add_state("values", default=[], dist_reduce_fx="cat")

    @classmethod
    def value(cls, row: ScoredPrediction) -> float | None:
        """The score of a row, 0 to 1; None if it has none and is left out of the mean."""
        found: float | None = getattr(row, cls.score)
        return found

    def update(self, rows: Iterable[ScoredPrediction]) -> None:
        """Add rows; those without a value are left out."""
        known = [(row, self.value(row)) for row in rows]
        known = [(row, value) for row, value in known if value is not None]
        ids = [seed_for(row.prediction.set, row.prediction.id) for row, _ in known]
        pictures = [seed_for("picture", row.prediction.picture) for row, _ in known]
        values = [value for _, value in known]
        self.ids.append(torch.tensor(ids, dtype=torch.int64, device=self.device))
        self.pictures.append(torch.tensor(pictures, dtype=torch.int64, device=self.device))
        # float64 whatever the default is: sums of thousands of scores stay exact enough
        self.values.append(torch.tensor(values, dtype=torch.float64, device=self.device))

    def compute(self) -> Estimate:
        """The mean times ``scale``, its 95% interval, and the number of rows behind it.

        The interval is over pictures where rows share some.
        """
        if not len(self.ids):
            return estimate(np.empty(0))
        ids = dim_zero_cat(self.ids).cpu().numpy()
        values = dim_zero_cat(self.values).cpu().numpy()
        _, first = np.unique(ids, return_index=True)  # sorted by id; the first of equal ones
        pictures = dim_zero_cat(self.pictures).cpu().numpy()[first]
        return estimate(values[first] * self.scale, pictures.tolist())


class Accuracy(RowMetric):
    """The paper's ACC: the judge's mean score, 0 to 100."""

    score = "acc"
    scale = 100.0


class BinaryAccuracy(Accuracy):
    """Share of answers that the judge scores above 0.5, 0 to 100.

    The usual meaning of accuracy. It equals ACC if every score is 0 or 1, and differs from it if
    the judge gives scores in between.
    """

    @classmethod
    def value(cls, row: ScoredPrediction) -> float | None:
        """1 for a score above 0.5, 0 for any other; None if there is no score."""
        right = answers_right(row)
        return None if right is None else float(right)


class ExactMatch(RowMetric):
    """Share of answers that equal the true one after normalisation, 0 to 100."""

    score = "exact_match"
    scale = 100.0


class GroundingIoU(RowMetric):
    """GIoU: mean IoU of the union of all predicted and the union of all true boxes, 0 to 1."""

    score = "giou"


class FormatRate(RowMetric):
    """Share of completions in the format that the prompt asks for, 0 to 1."""

    score = "format"


class NamedBoxes(RowMetric):
    """Share of a chain's labelled boxes that show what their label names, 0 to 1.

    Of drawn scenes alone; the mean is over chains that have labelled boxes.
    """

    @classmethod
    def value(cls, row: ScoredPrediction) -> float | None:
        """The share of one chain's labelled boxes; None if it has none or is of a photograph."""
        return row.prediction.named_boxes


class ConsistencyShare(RowMetric):
    """Share of rows that are one of the four kinds of ``consistency``, 0 to 1.

    The four shares are over the same rows, those that have both ACC and GIoU, and sum to 1.
    """

    kind: ClassVar[Consistency]

    @classmethod
    def value(cls, row: ScoredPrediction) -> float | None:
        """1 for a row of this kind, 0 for any other; None if its answer or boxes have no score."""
        found = consistency(row)
        return None if found is None else float(found == cls.kind)


class RightWithRightBoxes(ConsistencyShare):
    """Share of right answers whose boxes are right too (GIoU of 0.5 or more)."""

    kind = "right_with_right_boxes"


class RightWithout(ConsistencyShare):
    """Share of right answers whose boxes are not right, or missing."""

    kind = "right_without"


class WrongWith(ConsistencyShare):
    """Share of wrong answers although the boxes are right."""

    kind = "wrong_with"


class WrongWithout(ConsistencyShare):
    """Share of wrong answers whose boxes are not right either."""

    kind = "wrong_without"


METRICS: dict[str, type[RowMetric]] = {  # by their names in results.json
    "acc": Accuracy,
    "acc_binary": BinaryAccuracy,
    "exact_match": ExactMatch,
    "giou": GroundingIoU,
    "format_rate": FormatRate,
    "named_boxes": NamedBoxes,
    "right_with_right_boxes": RightWithRightBoxes,
    "right_without": RightWithout,
    "wrong_with": WrongWith,
    "wrong_without": WrongWithout,
}


def unique_rows(rows: Iterable[ScoredPrediction]) -> list[ScoredPrediction]:
    """The first row of each set and id, sorted by place in the set."""
    by_id: dict[tuple[str, str], ScoredPrediction] = {}
    for row in rows:
        by_id.setdefault((row.prediction.set, row.prediction.id), row)
    return sorted(by_id.values(), key=lambda row: row.prediction.row)


def estimates(rows: Sequence[ScoredPrediction]) -> dict[str, Estimate]:
    """Every metric over ``rows``, which must be those of all ranks: nothing is gathered."""
    found = {}
    for name, kind in METRICS.items():
        metric = kind(sync_on_compute=False)
        metric.update(rows)
        found[name] = metric.compute()
    return found
