"""Responses with boxes, for the tests of rewards that see them."""

from collections.abc import Sequence

from grit.grounding.boxes import NORMALIZED_1000, Box, Space, SpaceName
from grit.rewards.box_terms import (
    hungarian,
    iou_squared,
    treevgr,
    union_iou,
    visual_rft,
    vlm_r1_map,
    vlm_r1_weighted,
)
from grit.rewards.response import Attempt, Response

Corners = tuple[int, int, int, int]
TERMS = {
    "treevgr": treevgr,
    "visual_rft": visual_rft,
    "vlm_r1_map": vlm_r1_map,
    "vlm_r1_weighted": vlm_r1_weighted,
    "hungarian": hungarian,
    "iou_squared": iou_squared,
    "union_iou": union_iou,
}
IMAGE = Space("original", 500, 250)
SPOKEN = {"original": IMAGE, "resized": Space("resized", 1000, 500)}
SPOKEN["normalized_1000"] = NORMALIZED_1000  # each has its corners in whole numbers


def attempt(
    predicted: Sequence[Corners],
    annotated: Sequence[Corners] | None,
    *,
    box_space: SpaceName = "original",
    image: Space = IMAGE,
) -> Attempt:
    """A completion that writes boxes, which are given in pixels of the image, in another space."""
    space = SPOKEN[box_space] if image is IMAGE else image
    scale = space.width / image.width, space.height / image.height
    said = [[round(value * scale[i % 2]) for i, value in enumerate(box)] for box in predicted]
    return Attempt(
        *("Where are they?", "here", "vsr"),
        f"<think> {said} </think><rethink> so </rethink><answer> here </answer>",
        box_space=space,
        space=image,
        true_boxes=None if annotated is None else tuple(Box(*box, image) for box in annotated),
    )


def response(
    predicted: Sequence[Corners], annotated: Sequence[Corners] | None, **more: object
) -> Response:
    return Response.of(attempt(predicted, annotated, **more), counting=False)
