"""Boxes as the two families write them."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.grounding.box_lists import box_list, rounded_corners
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.grounding.traces import boxes_in

CHAIRS = [("chair", (1, 2, 30, 40)), ("table", (5, 6, 70, 80)), ("chair", (9, 10, 11, 12))]


def test_qwen_writes_objects_of_json_one_a_line() -> None:
    text = box_list("json", CHAIRS)
    assert text == (
        '[\n\t{"bbox_2d": [1, 2, 30, 40], "label": "chair"},\n'
        '\t{"bbox_2d": [5, 6, 70, 80], "label": "table"},\n'
        '\t{"bbox_2d": [9, 10, 11, 12], "label": "chair"}\n]'
    )
    assert [(each["label"], tuple(each["bbox_2d"])) for each in json.loads(text)] == CHAIRS


def test_internvl_gathers_the_boxes_of_a_label() -> None:
    assert box_list("internvl", CHAIRS) == (
        "<ref>chair</ref><box>[[1, 2, 30, 40], [9, 10, 11, 12]]</box>, "
        "<ref>table</ref><box>[[5, 6, 70, 80]]</box>"
    )


@pytest.mark.parametrize("style", ["json", "internvl", "glm"])
def test_all_boxes_are_found_again(style) -> None:
    assert sorted(boxes_in(box_list(style, CHAIRS))) == sorted(box for _, box in CHAIRS)


def test_json_survives_any_label() -> None:
    for label in ('a "big" dog', "back\\slash", "Müller's hat"):
        (found,) = json.loads(box_list("json", [(label, (1, 2, 3, 4))]))
        assert found["label"] == label
    assert "ü" in box_list("json", [("Müller", (1, 2, 3, 4))])


SIDES = st.integers(min_value=28, max_value=4000)
SHARES = st.floats(min_value=0, max_value=1)


@given(SIDES, SIDES, SIDES, SIDES, st.tuples(SHARES, SHARES, SHARES, SHARES))
def test_coordinates_are_within_rounding_of_the_annotation(
    width: int, height: int, resized_width: int, resized_height: int, shares: tuple[float, ...]
) -> None:
    """Also tiny boxes keep an area, inside the image, in the spaces of both families."""
    original = Space("original", width, height)
    x1, y1, x2, y2 = shares
    box = Box(x1 * width, y1 * height, x2 * width, y2 * height, original).tidied()
    if box is None:
        return
    for space in (Space("resized", resized_width, resized_height), NORMALIZED_1000):
        written = rounded_corners(box, space)
        assert 0 <= written[0] < written[2] <= space.width
        assert 0 <= written[1] < written[3] <= space.height
        back = Box(*map(float, written), space).to(original)
        scales = (width / space.width, height / space.height) * 2
        for found, true, scale in zip(back.corners, box.corners, scales, strict=True):
            assert abs(found - true) <= scale * (1 + 1e-9)  # half of it but for slivers


def test_an_ordinary_box_is_rounded_to_the_nearest() -> None:
    box = Box(10.4, 20.6, 30.5, 40.2, Space("original", 100, 100))
    assert rounded_corners(box, box.space) == (10, 21, 30, 40)
    assert rounded_corners(box, NORMALIZED_1000) == (104, 206, 305, 402)
    sliver = Box(10.1, 20, 10.3, 40, box.space)
    assert rounded_corners(sliver, box.space) == (10, 20, 11, 40)
    assert re.fullmatch(
        r"<ref>a</ref><box>\[\[10, 20, 11, 40\]\]</box>",
        box_list("internvl", [("a", rounded_corners(sliver, box.space))]),
    )
