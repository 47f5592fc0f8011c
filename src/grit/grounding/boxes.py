"""Boxes and their coordinate spaces; union area and IoU of sets of boxes.

Qwen2.5-VL writes coordinates in pixels of the resized image, InternVL from 0 to 1000; annotations
are in pixels of the original image. Every box therefore carries its space, and comparing boxes of
different spaces raises an error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

SpaceName = Literal["original", "resized", "normalized_1000"]
Corners = tuple[int, int, int, int]
"""``(x1, y1, x2, y2)`` in integers, as models write them."""


@dataclass(frozen=True)
class Space:
    """A coordinate space of one image: its name, and the image's width and height in its unit."""

    name: SpaceName
    width: float
    height: float

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a space needs a positive size, not {self.width} x {self.height}")


NORMALIZED_1000 = Space("normalized_1000", 1000, 1000)


@dataclass(frozen=True)
class Box:
    """A rectangle ``[x1, y1, x2, y2]`` in a space.

    Corners are kept as given: they may be in reversed order or outside of the image.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    space: Space

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """``(x1, y1, x2, y2)``."""
        return self.x1, self.y1, self.x2, self.y2

    def to(self, space: Space) -> "Box":
        """The box converted to another space of the same image."""
        x1, x2 = (x * space.width / self.space.width for x in (self.x1, self.x2))
        y1, y2 = (y * space.height / self.space.height for y in (self.y1, self.y2))
        return Box(x1, y1, x2, y2, space)

    def tidied(self) -> "Box | None":
        """The box with its corners in order and clipped to the image; None if it has no area."""
        x1, x2 = sorted(min(max(x, 0.0), self.space.width) for x in (self.x1, self.x2))
        y1, y2 = sorted(min(max(y, 0.0), self.space.height) for y in (self.y1, self.y2))
        return Box(x1, y1, x2, y2, self.space) if x1 < x2 and y1 < y2 else None


def converted(corners: Iterable[Corners], box_space: Space, space: Space) -> tuple[Box, ...]:
    """Boxes that a model wrote in the space ``box_space``, in another space of the same image.

    They are not clipped to the image.
    """
    return tuple(Box(*each, box_space).to(space) for each in corners)


def with_area(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The boxes tidied, in the same order, without those that have no area in the image."""
    return tuple(tidy for box in boxes if (tidy := box.tidied()))


def union_area(boxes: Sequence[Box]) -> float:
    """The area of the union of ``boxes``, in square units of their space.

    Exact: the plane is cut into vertical strips at the boxes' left and right edges; within a strip
    the union is a set of intervals. Boxes are tidied first. Raises ValueError for mixed spaces.
    """
    _check_same_space(boxes)
    tidy = [box.tidied() for box in boxes]
    corners = np.array(sorted({box.corners for box in tidy if box}, key=lambda c: c[1]), np.float64)
    if not len(corners):
        return 0.0
    x1, y1, x2, y2 = corners.T
    edges = np.unique(np.concatenate([x1, x2]))
    area = 0.0
    for left, right in pairwise(edges):
        inside = (x1 <= left) & (x2 >= right)
        area += float(right - left) * _union_length(y1[inside], y2[inside])
    return area


def union_iou(predicted: Sequence[Box], annotated: Sequence[Box]) -> float:
    """The paper's GIoU ("grounding IoU"): IoU of the unions of the two sets of boxes, in [0, 1].

    It is not the generalised IoU of object detection. 0 if either set has no area. Boxes are tidied
    first. Raises ValueError for mixed spaces.
    """
    both = [*predicted, *annotated]
    _check_same_space(both)
    of_predicted, of_annotated = union_area(predicted), union_area(annotated)
    union = union_area(both)
    if of_predicted == 0 or of_annotated == 0:
        return 0.0
    return min(max((of_predicted + of_annotated - union) / union, 0.0), 1.0)


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two tidied boxes; cheaper than ``union_iou`` of one box each.

    Raises ValueError for boxes of different spaces.
    """
    _check_same_space((first, second))
    width = min(first.x2, second.x2) - max(first.x1, second.x1)
    height = min(first.y2, second.y2) - max(first.y1, second.y1)
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box.x2 - box.x1) * (box.y2 - box.y1) for box in (first, second))
    return width * height / (sum(areas) - width * height)


def _check_same_space(boxes: Sequence[Box]) -> None:
    spaces = {box.space for box in boxes}
    if len(spaces) > 1:
        raise ValueError(
            f"boxes of different spaces cannot be compared: {sorted(map(str, spaces))}"
        )


def _union_length(lows: np.ndarray, highs: np.ndarray) -> float:
    """Length of the union of intervals, which are sorted by their lower ends."""
    if not len(lows):
        return 0.0
    reached = np.maximum.accumulate(highs)
    starts = lows.copy()
    starts[1:] = np.maximum(lows[1:], reached[:-1])
    return float(np.maximum(highs - starts, 0.0).sum())
