import numpy as np
import pytest
from PIL import Image, ImageColor

from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.grounding.drawing import draw_boxes

RED = "#ff3b30"


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def is_color(image: Image.Image, color: str = RED) -> np.ndarray:
    """[height, width], where a pixel has exactly this colour."""
    return (pixels(image) == ImageColor.getrgb(color)).all(-1)


@pytest.mark.parametrize("size", [(96, 96), (640, 480), (4000, 600), (600, 4000)])
def test_outline_stands_where_the_box_is(size):
    blank = Image.new("RGB", size, "gray")
    drawn = is_color(draw_boxes(blank, [Box(250, 500, 750, 1000, NORMALIZED_1000)], numbered=False))
    rows, columns = np.nonzero(drawn)
    width, height = size
    assert (columns.min(), columns.max()) == (width // 4, 3 * width // 4 - 1)
    assert (rows.min(), rows.max()) == (height // 2, height - 1)
    line = int(drawn[3 * height // 4, : width // 2].sum())
    assert line == max(1, round(max(size) / 250))
    assert not drawn[3 * height // 4, width // 2]  # an outline, not a filled box


@pytest.mark.parametrize("ground", [RED, "black", "white"])
def test_a_rim_tells_the_line_from_any_ground(ground):
    image = draw_boxes(Image.new("RGB", (96, 96), ground), [Box(20, 20, 70, 70, space_of(96, 96))])
    across = pixels(image)[45, 10:30]
    assert len(np.unique(across, axis=0)) >= 2


def space_of(width: int, height: int) -> Space:
    return Space("original", width, height)


@pytest.mark.parametrize("size", [(96, 96), (4000, 1000)])
def test_numbers_tell_the_boxes_apart(size):
    blank = Image.new("RGB", size, "gray")
    box = Box(300, 300, 700, 700, NORMALIZED_1000)
    line = Box(0, 0, 0, 500, NORMALIZED_1000)  # not drawn, but counted
    plain = draw_boxes(blank, [box], numbered=False)
    first, second = draw_boxes(blank, [box]), draw_boxes(blank, [line, box])
    assert (pixels(plain) != pixels(first)).any()
    assert (pixels(first) != pixels(second)).any()
    changed = (pixels(plain) != pixels(first)).any(-1)
    share = np.ptp(np.nonzero(changed)[0]) / size[0]
    assert 0.02 < share < 0.2  # readable, and not in the way


def test_the_image_itself_is_left_alone_and_its_size_kept():
    image = Image.new("L", (100, 60), 128)
    drawn = draw_boxes(image, [Box(10, 10, 50, 50, space_of(100, 60))])
    assert (drawn.mode, drawn.size) == ("RGB", (100, 60))
    assert image.getcolors() == [(6000, 128)]


@pytest.mark.parametrize(
    "corners",
    [
        (-50, -50, 2000, 2000),
        (900, 900, 100, 100),
        (0, 0, 1, 1),
        (999, 999, 1000, 1000),
        (500, 500, 500, 900),
        (10**18, 10**18, 2 * 10**18, 10**18),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (96, 96), (4000, 500)])
def test_no_box_is_too_strange(corners, size):
    drawn = draw_boxes(Image.new("RGB", size), [Box(*corners, NORMALIZED_1000)] * 12)
    assert drawn.size == size


def test_lines_have_a_white_rim():
    image = draw_boxes(Image.new("RGB", (96, 96), "gray"), [Box(9, 9, 60, 60, space_of(96, 96))])
    assert is_color(image, "white").any()
