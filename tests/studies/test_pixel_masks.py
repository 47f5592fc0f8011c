from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grit.grounding.boxes import Box, Space
from grit.studies.pixel_masks import (
    MOST_OVERLAP,
    MaskedPicture,
    control_shifts,
    mask_of,
    overlaps,
    shifted,
)

WIDTH, HEIGHT = 23, 17
SPACE = Space("original", WIDTH, HEIGHT)


@st.composite
def boxes(draw: st.DrawFn, least: int = 1, most: int = 3) -> list[Box]:
    """Boxes inside a small image, with whole and with broken corners."""
    found = []
    for _ in range(draw(st.integers(least, most))):
        x1, y1 = draw(st.floats(0, WIDTH - 1)), draw(st.floats(0, HEIGHT - 1))
        x2, y2 = draw(st.floats(x1 + 0.5, WIDTH)), draw(st.floats(y1 + 0.5, HEIGHT))
        found.append(Box(x1, y1, x2, y2, SPACE))
    return found


def counted(mask: np.ndarray, avoided: np.ndarray) -> np.ndarray:
    """The overlap of every shift, one by one."""
    rows = [
        [(shifted(mask, (right, down)) & avoided).sum() for right in range(WIDTH)]
        for down in range(HEIGHT)
    ]
    return np.array(rows)


def test_a_mask_has_every_pixel_that_a_box_touches() -> None:
    mask = mask_of([Box(1.5, 2, 3.2, 4, SPACE)], WIDTH, HEIGHT)
    assert {tuple(place) for place in np.argwhere(mask)} == {
        (y, x) for y in (2, 3) for x in (1, 2, 3)
    }


@given(boxes(), boxes(least=0))
def test_overlaps_are_those_of_shifting_one_by_one(chain: list[Box], more: list[Box]) -> None:
    mask, avoided = (mask_of(each, WIDTH, HEIGHT) for each in (chain, chain + more))
    assert (overlaps(mask, avoided) == counted(mask, avoided)).all()


@given(boxes(), boxes(least=0), st.integers(1, 5), st.integers(0, 9))
def test_a_control_has_the_same_area_and_overlaps_least(
    chain: list[Box], annotated: list[Box], draws: int, seed: int
) -> None:
    mask = mask_of(chain, WIDTH, HEIGHT)
    avoided = mask_of(chain + annotated, WIDTH, HEIGHT)
    found = control_shifts(mask, avoided, draws, np.random.default_rng(seed))
    assert len(set(found)) == len(found) <= draws
    covered = sorted(counted(mask, avoided).ravel())[:draws]
    allowed = [count for count in covered if count <= MOST_OVERLAP * mask.sum()]
    moved = [shifted(mask, shift) for shift in found]
    assert all(each.sum() == mask.sum() and each.shape == mask.shape for each in moved)
    assert sorted((each & avoided).sum() for each in moved) == allowed


def test_whole_boxes_come_before_those_that_an_edge_cuts() -> None:
    mask = mask_of([Box(0, 0, 5, 5, SPACE)], WIDTH, HEIGHT)
    found = control_shifts(mask, mask, 50, np.random.default_rng(0))
    assert len(found) == 50
    assert all(right + 5 <= WIDTH and down + 5 <= HEIGHT for right, down in found)
    assert not any(right < 5 and down < 5 for right, down in found)
    assert control_shifts(mask, mask, 50, np.random.default_rng(0)) == found
    assert control_shifts(mask, mask, 50, np.random.default_rng(1)) != found


def test_a_mask_of_nearly_everything_has_no_control() -> None:
    mask = mask_of([Box(0, 0, WIDTH, HEIGHT - 2, SPACE)], WIDTH, HEIGHT)
    assert control_shifts(mask, mask, 3, np.random.default_rng(0)) == []


@dataclass(frozen=True)
class Noise:
    """A picture whose neighbouring pixels differ."""

    key: str = "noise"

    def load(self) -> Image.Image:
        random = np.random.default_rng(0)
        return Image.fromarray(random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))


@pytest.mark.parametrize("how", ["grey", "blur"])
def test_pixels_change_inside_the_mask_alone(how) -> None:
    masked = MaskedPicture(Noise(), (Box(2, 3, 8, 9, SPACE),), how, shift=(10, 4))
    before, after = np.asarray(Noise().load()), np.asarray(masked.load())
    inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
    inside[7:13, 12:18] = True
    assert (after[~inside] == before[~inside]).all()
    assert (after[inside] != before[inside]).any(axis=-1).mean() > 0.9
    if how == "grey":
        assert (after[inside] == np.rint(before.mean((0, 1)))).all()


def test_other_masks_are_other_pictures() -> None:
    one, two = (Box(2, 3, 8, 9, SPACE), Box(2, 3, 8, 10, SPACE))
    keys = [
        MaskedPicture(Noise(), (one,), "grey").key,
        MaskedPicture(Noise(), (one,), "blur").key,
        MaskedPicture(Noise(), (two,), "grey").key,
        MaskedPicture(Noise(), (one,), "grey", (1, 0)).key,
        MaskedPicture(Noise("other"), (one,), "grey").key,
    ]
    assert len(set(keys)) == len(keys)
    assert MaskedPicture(Noise(), (one,), "grey").key == keys[0]
