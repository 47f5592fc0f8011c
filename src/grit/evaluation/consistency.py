"""Whether an answer and the boxes said with it are right together."""

from typing import Literal

from grit.evaluation.predictions import ScoredPrediction

RIGHT_ABOVE = 0.5  # the judge's score above which an answer counts as right
RIGHT_BOXES = 0.5  # the GIoU from which boxes count as right

Consistency = Literal["right_with_right_boxes", "right_without", "wrong_with", "wrong_without"]
"""A right or wrong answer, with right boxes or without."""


def answers_right(row: ScoredPrediction) -> bool | None:
    """Whether the judge scored the answer above 0.5, as in ACC>0.5; None if it has no score."""
    return None if row.acc is None else row.acc > RIGHT_ABOVE


def boxes_right(row: ScoredPrediction) -> bool | None:
    """Whether GIoU is at least 0.5; None without annotated boxes."""
    return None if row.giou is None else row.giou >= RIGHT_BOXES


def consistency(row: ScoredPrediction) -> Consistency | None:
    """Which of the four a row is; None if its answer is not judged or its boxes not annotated."""
    match answers_right(row), boxes_right(row):
        case (None, _) | (_, None):
            return None
        case (True, with_boxes):
            return "right_with_right_boxes" if with_boxes else "right_without"
        case (_, with_boxes):
            return "wrong_with" if with_boxes else "wrong_without"
