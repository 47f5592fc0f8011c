"""Which predicted box is taken for which annotated one.

Shapes: P predicted boxes, T annotated ones.
"""

from collections.abc import Sequence

import numpy as np

from grit.grounding.boxes import Box

Pair = tuple[int, int]  # places of a predicted and of an annotated box


def corners_of(boxes: Sequence[Box]) -> np.ndarray:
    """Corners as rows ``x1, y1, x2, y2``: [boxes, 4]."""
    return np.array([box.corners for box in boxes], np.float64).reshape(-1, 4)


def pairwise_iou(predicted: Sequence[Box], annotated: Sequence[Box]) -> np.ndarray:
    """The IoU of every pair of tidied boxes of one space: [P, T]."""
    first, second = corners_of(predicted)[:, None], corners_of(annotated)[None]  # [P, 1, 4]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    shared = np.maximum(high - low, 0).prod(-1)  # [P, T]
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared)


def matched_in_order(ious: np.ndarray, allowed: np.ndarray) -> list[Pair]:
    """Each predicted box, in the order of writing, takes its best annotated box that is free.

    Args:
        ious: [P, T].
        allowed: which pairs may be matched: [P, T].
    """
    free = np.where(allowed, ious, -1.0)
    pairs = []
    for place, row in enumerate(free):
        best = int(row.argmax())
        if row[best] >= 0:
            pairs.append((place, best))
            free[:, best] = -1
    return pairs


def matched_best_first(ious: np.ndarray, allowed: np.ndarray) -> list[Pair]:
    """The pair of the highest IoU, then the best of the boxes that are left, and so on.

    Args:
        ious: [P, T].
        allowed: which pairs may be matched: [P, T].
    """
    free = np.where(allowed, ious, -1.0)
    pairs = []
    while free.size and free.max() >= 0:
        place, best = (int(each) for each in np.unravel_index(free.argmax(), free.shape))
        pairs.append((place, best))
        free[place], free[:, best] = -1, -1
    return pairs


def average_precision(ious: np.ndarray, threshold: float) -> float:
    """AP at one IoU threshold, as COCO computes it of one image and one class.

    All predictions have the same confidence, so they count in the order of writing. Precision is
    interpolated at 101 recalls.

    Args:
        ious: [P, T].
        threshold: the least IoU of a match.
    """
    predicted, annotated = ious.shape
    is_right = np.zeros(predicted)
    is_right[[place for place, _ in matched_in_order(ious, ious >= threshold)]] = 1
    right = is_right.cumsum()
    precision, recall = right / np.arange(1, predicted + 1), right / annotated
    best_from = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    places = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.append(best_from, 0.0)[places].mean())
