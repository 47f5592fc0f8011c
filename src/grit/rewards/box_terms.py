"""Rewards that see a row's annotated boxes, as others train on them. GRIT's own see none.

Each term is in [0, 1] and compares ``response.boxes``, all boxes of the completion, with
``response.true_boxes``. It is masked, not 0, on a row without an annotated box. So is a row that is
annotated as having nothing to box (``"bboxs": []``): every rule is a share of the annotated boxes,
GIoU is not defined there either, and the reward for counts already pays for no box where none is
right. Boxes that lie outside of the image count for nothing.

``visual_rft`` and ``vlm_r1_map`` depend on the order in which boxes are written, as models write no
confidence. Written from the rules; no line is taken from the sources that are named.
"""

from dataclasses import replace

import numpy as np

from grit.grounding import boxes as grounding
from grit.grounding.boxes import Box
from grit.rewards.matching import (
    average_precision,
    corners_of,
    matched_best_first,
    matched_in_order,
    pairwise_iou,
)
from grit.rewards.response import Response
from grit.rewards.term import needs

_IOU = 0.5  # of a match
_COCO_IOUS = np.linspace(0.5, 0.95, 10)
_COCO_MOST = 100  # predictions that COCO's evaluation looks at
_NEAR = 10.0  # pixels of the original image


@needs(boxes=True)
def union_iou(response: Response) -> float:
    """The suite's metric GIoU as a reward: IoU of the union of all predicted and annotated boxes.

    A box that is repeated, or lies inside of another, changes nothing.
    """
    return grounding.union_iou(*_boxes(response))


@needs(boxes=True)
def iou_squared(response: Response) -> float:
    """(IoU of the unions)²: of two chains the better one earns more than its share.

    Perception-R1 (2504.07954), which has it of one box.
    """
    return union_iou(response) ** 2


@needs(boxes=True)
def treevgr(response: Response) -> float:
    """Dual IoU: the mean of recall and precision; 0 without a predicted box.

    Recall is the mean over annotated boxes of their best IoU with any predicted box, precision the
    mean over predicted boxes of their best IoU with any annotated one (TreeVGR, 2507.07999). It can
    be gamed: nothing is matched, so copies of the best box raise precision.
    """
    ious = _ious(response)
    if not len(ious):
        return 0.0
    recall, precision = ious.max(0).mean(), ious.max(1).mean()
    return float(recall + precision) / 2


@needs(boxes=True)
def visual_rft(response: Response) -> float:
    """Sum of IoU over matched pairs / max(annotated, predicted boxes).

    Each predicted box, in the order of writing, takes the free annotated box that it fits best, if
    their IoU is above 0.5; one that is said again counts once (Visual-RFT,
    ``virft/src/open_r1/grpo.py``).
    """
    ious = _ious(replace(response, boxes=tuple(dict.fromkeys(response.boxes or ()))))
    pairs = matched_in_order(ious, ious > _IOU)
    return float(sum(ious[pair] for pair in pairs)) / max(ious.shape)


@needs(boxes=True)
def vlm_r1_map(response: Response) -> float:
    """COCO's average precision, mean over IoU 0.5, 0.55 ... 0.95, x min(1, annotated / predicted).

    Precision is interpolated at 101 recalls; boxes count in the order of writing, at most 100 of
    them. 0 without a predicted box. VLM-R1 (2504.07615), ``odLength`` of ``grpo_jsonl.py``.
    """
    ious = _ious(response)
    if not len(ious):
        return 0.0
    predicted, annotated = ious.shape
    precision = np.mean([average_precision(ious[:_COCO_MOST], each) for each in _COCO_IOUS])
    return float(precision) * min(1.0, annotated / predicted)


@needs(boxes=True)
def vlm_r1_weighted(response: Response) -> float:
    """0.7 x sum of matched IoU / annotated + 0.3 x (1 - (miss rate + false alarm rate) / 2).

    Pairs are matched greedily, the highest IoU first, at IoU of at least 0.5; 0 without a predicted
    box. VLM-R1, ``weighted_sum`` of ``grpo_jsonl.py``, whose weight for labels is 0.
    """
    ious = _ious(response)
    if not len(ious):
        return 0.0
    pairs = matched_best_first(ious, ious >= _IOU)
    predicted, annotated = ious.shape
    position = float(sum(ious[pair] for pair in pairs)) / annotated
    missed, false_alarms = 1 - len(pairs) / annotated, 1 - len(pairs) / predicted
    return 0.7 * position + 0.3 * (1 - (missed + false_alarms) / 2)


@needs(boxes=True)
def hungarian(response: Response) -> float:
    """Points of the best assignment / (2 x max(annotated, predicted boxes)).

    A pair has one point for an IoU above 0.5, and one for corners whose four coordinates differ by
    less than 10 pixels in the mean (VisionReasoner, 2505.12081; its third point is for a point
    inside of the object). It can be gamed where objects are small: 10 pixels are of the original
    image, whatever its size, and boxes of a few pixels that lie near count without overlapping.
    """
    from scipy.optimize import linear_sum_assignment  # takes half a second

    predicted, annotated = map(corners_of, _boxes(response))
    apart = np.abs(predicted[:, None] - annotated[None]).mean(-1)  # [P, T]
    points = (_ious(response) > _IOU).astype(float) + (apart < _NEAR)
    return float(points[linear_sum_assignment(points, maximize=True)].sum()) / (
        2 * max(points.shape)
    )


def _ious(response: Response) -> np.ndarray:
    """[P, T] of P predicted and T annotated boxes; T is at least 1."""
    return pairwise_iou(*_boxes(response))


def _boxes(response: Response) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """The predicted and the annotated boxes of a response that the terms are not masked for."""
    assert response.boxes is not None
    assert response.true_boxes
    return response.boxes, response.true_boxes
