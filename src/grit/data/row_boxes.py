"""The boxes of a row that has a completion: annotated ones, and the space of those it writes."""

from typing import NamedTuple, get_args

from grit.data.annotation import check_boxes
from grit.data.rows import Row
from grit.grounding.boxes import NORMALIZED_1000, Box, Space, SpaceName


class RowBoxes(NamedTuple):
    """Annotated boxes and both coordinate spaces of a row."""

    space: Space | None = None  # the original image's pixels; None: unknown size
    box_space: Space | None = None  # the space of the completion's boxes; None: unknown size
    true_boxes: tuple[Box, ...] | None = None  # in `space`; None: not annotated


def read_row_boxes(row: Row, name: str) -> RowBoxes:
    """The annotated boxes in the field ``name``, and the spaces of the row's boxes.

    Other fields: ``width`` and ``height`` of the original image in pixels, and ``box_space`` of the
    completion's boxes: ``original`` (default), ``normalized_1000``, or ``resized`` with
    ``resized_width`` and ``resized_height``.

    Raises:
        GritError: a field is not as it should be, boxes are annotated without the image's size, or
            lie outside it. Corners in another order are put right where boxes are compared.
    """
    space = None
    if row.has("width") or row.has("height"):
        space = Space("original", row.pixels("width"), row.pixels("height"))
    boxes = row.optional_boxes(name)
    if boxes and space is None:
        row.refuse("width", "the image's width in pixels, because the row has annotated boxes")
    if boxes and space:
        ordered = [(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)) for x1, y1, x2, y2 in boxes]
        check_boxes(row, name, ordered, (int(space.width), int(space.height)))
    true_boxes = None
    if boxes is not None:
        true_boxes = tuple(Box(*corners, space) for corners in boxes) if space else ()
    return RowBoxes(space, _box_space(row, space), true_boxes)


def _box_space(row: Row, original: Space | None) -> Space | None:
    name = row.choice("box_space", get_args(SpaceName), default="original")
    if name == "resized":
        return Space("resized", row.pixels("resized_width"), row.pixels("resized_height"))
    return NORMALIZED_1000 if name == "normalized_1000" else original
