"""Boxes and the coordinate spaces they live in; union area and IoU of sets of boxes.

A model speaks pixels of the resized image (Qwen2.5-VL) or thousandths of the image (InternVL);
annotations are in pixels of the original image. A box therefore always carries its space, and
comparing boxes of two spaces is an error instead of a wrong number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

SpaceName = Literal["original", "resized", "normalized_1000"]


@dataclass(frozen=True)
class Space:
    """The coordinate frame of one image: its width and height in this space's unit."""

    name: SpaceName
    width: float
    height: float

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"a space needs a positive size, not {self.width} x {self.height}")


NORMALIZED_1000 = Space("normalized_1000", 1000, 1000)


@dataclass(frozen=True)
class Box:
    """A rectangle ``[x1, y1, x2, y2]`` in a space, corners as given (maybe reversed or outside)."""

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
        """The same rectangle of the same image, in another space."""
        x1, x2 = (x * space.width / self.space.width for x in (self.x1, self.x2))
        y1, y2 = (y * space.height / self.space.height for y in (self.y1, self.y2))
        return Box(x1, y1, x2, y2, space)

    def tidied(self) -> "Box | None":
        """Corners in order and clipped to the image; None where no area is left."""
        x1, x2 = sorted(min(max(x, 0.0), self.space.width) for x in (self.x1, self.x2))
        y1, y2 = sorted(min(max(y, 0.0), self.space.height) for y in (self.y1, self.y2))
        return Box(x1, y1, x2, y2, self.space) if x1 < x2 and y1 < y2 else None


def union_area(boxes: Sequence[Box]) -> float:
    """Area covered by at least one of ``boxes`` (of one space), in that space's square unit.

    Exact: the plane is cut into vertical strips at the boxes' left and right edges; within a strip
    the union is a set of intervals. Boxes are tidied first. Raises ValueError for mixed spaces.
    """
    _one_space(boxes)
    tidy = [box.tidied() for box in boxes]
    corners = np.array(sorted({box.corners for box in tidy if box}, key=lambda c: c[1]), np.float64)
    if not len(corners):
        return 0.0
    x1, y1, x2, y2 = corners.T
    edges = np.unique(np.concatenate([x1, x2]))
    area = 0.0
    for left, right in pairwise(edges):
        inside = (x1 <= left) & (x2 >= right)
        area += float(right - left) * _covered(y1[inside], y2[inside])
    return area


def union_iou(predicted: Sequence[Box], annotated: Sequence[Box]) -> float:
    """The paper's GIoU ("grounding IoU"): IoU of the union of one set with that of the other.

    In [0, 1]; 0 where either set covers nothing. It is not the "generalised IoU" of object
    detection. Boxes are tidied first. Raises ValueError where the spaces are not all the same.
    """
    together = [*predicted, *annotated]
    _one_space(together)
    first, second, union = union_area(predicted), union_area(annotated), union_area(together)
    if first == 0 or second == 0:
        return 0.0
    return min(max((first + second - union) / union, 0.0), 1.0)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes: ``union_iou`` of one each, without its cost.

    Both are tidied already. Raises ValueError where they are of different spaces.
    """
    _one_space((one, other))
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box.x2 - box.x1) * (box.y2 - box.y1) for box in (one, other))
    return width * height / (sum(areas) - width * height)


def _one_space(boxes: Sequence[Box]) -> None:
    spaces = {box.space for box in boxes}
    if len(spaces) > 1:
        raise ValueError(
            f"boxes of different spaces cannot be compared: {sorted(map(str, spaces))}"
        )


def _covered(lows: np.ndarray, highs: np.ndarray) -> float:
    """Length of a union of intervals that are sorted by their lower ends."""
    if not len(lows):
        return 0.0
    reached = np.maximum.accumulate(highs)
    starts = lows.copy()
    starts[1:] = np.maximum(lows[1:], reached[:-1])
    return float(np.maximum(highs - starts, 0.0).sum())
