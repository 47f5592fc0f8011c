import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.grounding.boxes import NORMALIZED_1000, Box, Space, union_area, union_iou

GRID = Space("original", 24, 18)
sides = st.integers(1, 5000)
spaces = st.builds(Space, st.sampled_from(["original", "resized"]), sides, sides)
coordinates = st.floats(-2000, 2000)


def boxes_on(space: Space, low: int = -6, high: int = 30):
    corner = st.integers(low, high)
    return st.builds(Box, corner, corner, corner, corner, st.just(space))


def painted(boxes: list[Box]) -> np.ndarray:
    """The oracle: each unit cell of the grid is painted where its centre is inside a box."""
    x = np.arange(GRID.width) + 0.5
    y = np.arange(GRID.height)[:, None] + 0.5
    cells = np.zeros((GRID.height, GRID.width), bool)
    for box in boxes:
        across = (min(box.x1, box.x2) < x) & (x < max(box.x1, box.x2))
        down = (min(box.y1, box.y2) < y) & (y < max(box.y1, box.y2))
        cells |= across & down
    return cells


@given(spaces, spaces, coordinates, coordinates, coordinates, coordinates)
def test_there_and_back_is_the_same_box(first, second, x1, y1, x2, y2):
    box = Box(x1, y1, x2, y2, first)
    for other in (second, NORMALIZED_1000):
        back = box.to(other).to(first)
        assert back.space == first
        assert back.corners == pytest.approx(box.corners, rel=1e-9, abs=1e-9)


def test_conversion_scales_each_direction_by_its_own_side():
    resized = Space("resized", 280, 560)
    assert Box(100, 100, 500, 1000, NORMALIZED_1000).to(resized).corners == (28, 56, 140, 560)
    original = Space("original", 560, 560)
    assert Box(28, 56, 140, 560, resized).to(original).corners == (56, 56, 280, 560)


@given(boxes_on(GRID))
def test_tidied_is_inside_in_order_and_stable(box):
    tidy = box.tidied()
    assert (tidy is not None) == painted([box]).any()
    if tidy:
        x1, y1, x2, y2 = tidy.corners
        assert 0 <= x1 < x2 <= GRID.width
        assert 0 <= y1 < y2 <= GRID.height
        assert tidy.tidied() == tidy
        assert Box(box.x2, box.y2, box.x1, box.y1, GRID).tidied() == tidy


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((2, 3, 10, 12), (2, 3, 10, 12)),
        ((10, 12, 2, 3), (2, 3, 10, 12)),  # both reversed
        ((10, 3, 2, 12), (2, 3, 10, 12)),  # one reversed
        ((-5, -5, 100, 100), (0, 0, 24, 18)),  # clipped on every side
        ((5, 3, 5, 12), None),  # a line
        ((5, 3, 5, 3), None),  # a point
        ((30, 3, 40, 12), None),  # beside the image
        ((-9, 3, 0, 12), None),  # touches it only
    ],
)
def test_tidied(corners, expected):
    tidy = Box(*corners, GRID).tidied()
    assert (tidy.corners if tidy else None) == expected


@given(st.lists(boxes_on(GRID), max_size=7))
def test_union_area_is_the_number_of_painted_cells(boxes):
    assert union_area(boxes) == painted(boxes).sum()


@given(st.lists(boxes_on(GRID), max_size=5), st.lists(boxes_on(GRID), max_size=5))
def test_union_iou_is_that_of_painted_cells(predicted, annotated):
    first, second = painted(predicted), painted(annotated)
    expected = (first & second).sum() / max((first | second).sum(), 1)
    assert union_iou(predicted, annotated) == pytest.approx(expected, abs=1e-12)


@given(st.lists(boxes_on(GRID), max_size=4), st.lists(boxes_on(GRID), max_size=4), spaces)
def test_union_iou_does_not_depend_on_the_space(predicted, annotated, space):
    there = union_iou([b.to(space) for b in predicted], [b.to(space) for b in annotated])
    assert there == pytest.approx(union_iou(predicted, annotated), abs=1e-9)


@given(st.lists(boxes_on(GRID), min_size=1, max_size=5))
def test_a_set_matches_itself_and_repeating_a_box_changes_nothing(boxes):
    expected = 1.0 if painted(boxes).any() else 0.0
    assert union_iou(boxes, boxes) == expected
    assert union_iou(boxes * 3, boxes) == expected


def test_it_is_the_iou_of_unions_and_not_of_pairs():
    left, right = Box(0, 0, 12, 18, GRID), Box(12, 0, 24, 18, GRID)
    whole = Box(0, 0, 24, 18, GRID)
    assert union_iou([left, right], [whole]) == 1.0
    assert union_iou([left], [whole]) == 0.5
    assert union_iou([left], [right]) == 0.0  # the generalised IoU of detection would be below 0


def test_no_predicted_box_scores_nothing():
    assert union_iou([], [Box(0, 0, 5, 5, GRID)]) == 0.0
    assert union_iou([Box(3, 3, 3, 9, GRID)], [Box(0, 0, 5, 5, GRID)]) == 0.0
    assert union_iou([Box(0, 0, 5, 5, GRID)], []) == 0.0


def test_a_box_without_area_counts_for_nothing():
    good, line = Box(0, 0, 5, 5, GRID), Box(0, 9, 24, 9, GRID)
    assert union_iou([good, line], [good]) == 1.0


def test_mixed_spaces_are_an_error():
    here, there = Box(0, 0, 5, 5, GRID), Box(0, 0, 5, 5, NORMALIZED_1000)
    for call in (lambda: union_iou([here], [there]), lambda: union_area([here, there])):
        with pytest.raises(ValueError, match="different spaces"):
            call()


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_space_has_a_size(width, height):
    with pytest.raises(ValueError, match="positive size"):
        Space("original", width, height)


def test_thousands_of_boxes_and_endless_coordinates():
    space = Space("original", 4000, 3000)
    rng = np.random.default_rng(3)
    boxes = [Box(*map(float, rng.uniform(0, 3000, 4)), space) for _ in range(2000)]
    assert 0 < union_area(boxes) <= 12e6
    whole = [Box(0, 0, 10**18, 10**18, space)]
    assert union_iou(boxes, whole) == pytest.approx(union_area(boxes) / 12e6)
    assert union_area([Box(-math.inf, -math.inf, math.inf, math.inf, space)]) == 12e6
