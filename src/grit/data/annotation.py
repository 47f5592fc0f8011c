"""Annotated boxes of a row, checked against the image that they lie on.

A file in another convention ([x, y, width, height], or coordinates from 0 to 1) would train and
score wrongly without a word; a few pixels beyond the edge are how real annotations are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from grit.data.rows import Corners, Row

# What a box may reach beyond its image: five of the released GQA file do, by up to 5 pixels of 500.
PIXELS, SHARE_OF_SIDE = 5.0, 0.02


class Annotation(NamedTuple):
    """The boxes of a row, and how many of them reach a little beyond the image."""

    boxes: list[Corners] | None  # None: nobody annotated the row
    beyond: int


def read_annotation(row: Row, name: str, size: tuple[int, int]) -> Annotation:
    """The boxes in the field ``name`` of a row whose image has this width and height.

    Raises:
        GritError: a box is no box of this image in pixels, with a word on what it may be instead.
    """
    boxes = row.optional_boxes(name)
    return Annotation(boxes, check_boxes(row, name, boxes or (), size))


def check_boxes(row: Row, name: str, boxes: Sequence[Corners], size: tuple[int, int]) -> int:
    """How many boxes of the field ``name`` reach a little beyond the image; raises as above."""
    if boxes and max(size) > 2 and all(0 <= value <= 1 for box in boxes for value in box):
        row.refuse(
            name,
            "pixels of the original image (these look normalised to 0-1: multiply x by width "
            "and y by height)",
        )
    beyond = 0
    for box in boxes:
        _check_order(row, name, box)
        reach = _reach(box, size)
        if reach > max(PIXELS, SHARE_OF_SIDE * max(size)):
            _refuse_outside(row, name, box, size)
        beyond += reach > 0
    return beyond


def _check_order(row: Row, name: str, box: Corners) -> None:
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        row.refuse(
            name,
            "boxes [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2 (if this is [x, y, width, height], "
            "write [x, y, x + width, y + height])",
            _as_written(box),
        )


def _reach(box: Corners, size: tuple[int, int]) -> float:
    """Pixels that a box reaches beyond the image; 0 or less where it does not."""
    x1, y1, x2, y2 = box
    return max(-x1, -y1, x2 - size[0], y2 - size[1])


def _refuse_outside(row: Row, name: str, box: Sequence[float], size: tuple[int, int]) -> None:
    width, height = size
    hint = ""
    if max(box) <= 1000 and min(box) >= 0:
        hint = " (thousandths of the image? multiply x by width / 1000 and y by height / 1000)"
    row.refuse(name, f"boxes inside the image of {width} x {height} pixels{hint}", _as_written(box))


def _as_written(box: Sequence[float]) -> list[float]:
    return [int(value) if value == int(value) else value for value in box]
