"""Pictures with boxes for Weights & Biases, whose viewer can show and hide each layer of boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

import wandb
from PIL import Image

from grit.grounding.boxes import Box, Space
from grit.tracking.dashboard import LONGEST

ANNOTATED = "annotated"  # names of layers
SAID = "said"


def boxed_image(
    image: Image.Image,
    space: Space,
    layers: Mapping[str, Sequence[Box]],
    caption: str | None = None,
) -> wandb.Image:
    """A picture with layers of numbered boxes.

    Args:
        image: of any size; one with more than ``LONGEST`` pixels a side is made smaller.
        space: the original image's pixels, into which all boxes are converted.
        layers: name of a layer -> its boxes in any space; those without an area in the picture are
            left out, and the others keep their numbers.
        caption: text below the picture.
    """
    boxes = {name: _layer(layer, space) for name, layer in layers.items()}
    image = image.copy()
    image.thumbnail((LONGEST, LONGEST))  # it is stored as PNG
    return wandb.Image(image, caption=caption, boxes=boxes)


def _layer(boxes: Sequence[Box], space: Space) -> dict[str, Any]:
    tidy = [(number, box.to(space).tidied()) for number, box in enumerate(boxes, start=1)]
    data = [_box_data(number, box, space) for number, box in tidy if box is not None]
    return {"box_data": data, "class_labels": {0: "box"}}


def _box_data(number: int, box: Box, space: Space) -> dict[str, Any]:
    return {
        "position": {
            "minX": box.x1 / space.width,
            "maxX": box.x2 / space.width,
            "minY": box.y1 / space.height,
            "maxY": box.y2 / space.height,
        },
        "class_id": 0,
        "box_caption": str(number),
    }
