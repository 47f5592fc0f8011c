"""Checking the annotated boxes of a row against the size of its image.

Boxes in another convention ([x, y, width, height], or coordinates from 0 to 1) would silently give
wrong results, so they are refused. A few pixels beyond the edge are common in real annotations.
"""

from collections.abc import Sequence

from grit.data.rows import Corners, Row

# How far a box may reach beyond its image: five in the released GQA file do, by at most 5 pixels.
MARGIN_PIXELS, MARGIN_SHARE = 5.0, 0.02


def check_boxes(row: Row, name: str, boxes: Sequence[Corners], size: tuple[int, int]) -> int:
    """Check boxes of the field ``name`` of a row whose image has this width and height.

    Returns:
        How many of them reach a little beyond the image.

    Raises:
        GritError: a box is not in pixels of this image; with a hint at what it may be instead.
    """
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
        if reach > max(MARGIN_PIXELS, MARGIN_SHARE * max(size)):
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
    """How many pixels a box reaches beyond the image; 0 or less if it does not."""
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
