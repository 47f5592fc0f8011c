from PIL import Image

from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.tracking.wandb_images import ANNOTATED, SAID, boxed_image

PHOTO = Space("original", 200, 100)


def test_boxes_of_any_space_are_shares_of_the_picture() -> None:
    said = [
        Box(900, 900, 100, 100, NORMALIZED_1000),  # corners reversed
        Box(5, 5, 5, 9, NORMALIZED_1000),  # without an area
        Box(500, 0, 2000, 500, NORMALIZED_1000),  # beyond the edge
    ]
    truth = [Box(20, 10, 100, 50, PHOTO)]
    image = boxed_image(Image.new("RGB", (20, 10)), PHOTO, {ANNOTATED: truth, SAID: said}, "words")
    layers = {name: layer._val for name, layer in image._boxes.items()}
    (annotated,) = layers[ANNOTATED]
    assert annotated["position"] == {"minX": 0.1, "maxX": 0.5, "minY": 0.1, "maxY": 0.5}
    assert [box["box_caption"] for box in layers[SAID]] == ["1", "3"]
    assert layers[SAID][0]["position"] == {"minX": 0.1, "maxX": 0.9, "minY": 0.1, "maxY": 0.9}
    assert layers[SAID][1]["position"] == {"minX": 0.5, "maxX": 1.0, "minY": 0.0, "maxY": 0.5}
    assert image._caption == "words"


def test_a_photograph_is_made_smaller_and_its_boxes_stay() -> None:
    photo, space = Image.new("RGB", (4000, 3000)), Space("original", 4000, 3000)
    image = boxed_image(photo, space, {SAID: [Box(400, 300, 2000, 1500, space)]})
    assert (image._width, image._height) == (1024, 768)
    assert photo.size == (4000, 3000)
    (said,) = image._boxes[SAID]._val
    assert said["position"] == {"minX": 0.1, "maxX": 0.5, "minY": 0.1, "maxY": 0.5}
