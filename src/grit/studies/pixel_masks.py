"""Taking pixels away from a photograph: those inside boxes, or as many elsewhere.

The control is the mask of all boxes together, moved as a whole; what leaves the image at one edge
comes in at the opposite one. So it has the same area to the pixel and lies inside the image. Of all
shifts by whole pixels it takes those at which it covers least of what chain and annotation point
at, whole boxes before those that an edge cuts, and among equal ones random ones.

Shapes: H and W are the image's height and width in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np
from PIL import Image, ImageFilter

from grit.core.fingerprints import fingerprint
from grit.data.samples import Picture
from grit.grounding.boxes import Box
from grit.studies.settings import Mask

MOST_OVERLAP = 0.5
"""Share of a control's pixels that may be the chain's or annotated; with more it is no control."""
_BLUR = 1 / 16  # the blur's standard deviation, of the longer side

Shift = tuple[int, int]
"""How far to the right and down, in pixels; on from the other edge."""


def mask_of(boxes: Sequence[Box], width: int, height: int) -> np.ndarray:
    """Which pixels [H, W] boxes cover, also in part; boxes are tidied, in pixels of the image."""
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        mask[floor(box.y1) : ceil(box.y2), floor(box.x1) : ceil(box.x2)] = True
    return mask


def shifted(mask: np.ndarray, shift: Shift) -> np.ndarray:
    """The mask [H, W] moved; its area stays."""
    right, down = shift
    return np.roll(mask, (down, right), axis=(0, 1))


def overlaps(mask: np.ndarray, avoided: np.ndarray) -> np.ndarray:
    """How many pixels of ``avoided`` each shift of the mask covers [H, W], by (down, right).

    Exact: a circular cross-correlation, whose sums are whole numbers.
    """
    spectrum = np.conj(np.fft.rfft2(mask)) * np.fft.rfft2(avoided)
    return np.rint(np.fft.irfft2(spectrum, s=mask.shape)).astype(np.int64)


def control_shifts(
    mask: np.ndarray, avoided: np.ndarray, draws: int, random: np.random.Generator
) -> list[Shift]:
    """At most ``draws`` different shifts that cover least of ``avoided``, as above.

    None that covers it with more than ``MOST_OVERLAP`` of the mask is among them: a mask of nearly
    everything has no control.
    """
    overlap = overlaps(mask, avoided).ravel()
    rank = 2 * overlap + _is_cut(mask).ravel()
    draws = min(draws, rank.size)
    best = np.flatnonzero(rank <= np.partition(rank, draws - 1)[draws - 1])
    order = np.lexsort((random.random(best.size), rank[best]))
    chosen = best[order[:draws]]
    chosen = chosen[overlap[chosen] <= MOST_OVERLAP * mask.sum()]
    down, right = np.divmod(chosen, mask.shape[1])
    return list(zip(right.tolist(), down.tolist(), strict=True))


def _is_cut(mask: np.ndarray) -> np.ndarray:
    """Whether an edge of the image cuts the mask [H, W] after a shift, by (down, right)."""
    down, right = (_is_cut_along(np.any(mask, axis=axis)) for axis in (1, 0))
    return down[:, None] | right[None, :]


def _is_cut_along(taken: np.ndarray) -> np.ndarray:
    """The same along one side, of which ``taken`` says where the mask has pixels."""
    places = np.flatnonzero(taken)
    first, extent = places[0], places[-1] - places[0] + 1
    return (first + np.arange(taken.size)) % taken.size + extent > taken.size


@dataclass(frozen=True)
class MaskedPicture:
    """A picture whose pixels inside boxes are taken away; implements ``samples.Picture``.

    ``grey`` puts the picture's mean colour in their place, ``blur`` the picture blurred by a
    Gaussian whose standard deviation is a sixteenth of the longer side.
    """

    picture: Picture
    boxes: tuple[Box, ...]  # tidied, in pixels of the picture
    how: Mask
    shift: Shift = (0, 0)  # of all boxes together

    @cached_property
    def key(self) -> str:
        """A hash of the picture's content and of what is taken away."""
        corners = [box.corners for box in self.boxes]
        return fingerprint([self.picture.key, corners, self.how, self.shift])

    def load(self) -> Image.Image:
        """The masked image as RGB; raises as the picture itself."""
        image = self.picture.load()
        mask = shifted(mask_of(self.boxes, *image.size), self.shift)
        instead = _blurred(image) if self.how == "blur" else _mean_colour(image)
        return Image.composite(instead, image, Image.fromarray(mask))


def _mean_colour(image: Image.Image) -> Image.Image:
    red, green, blue = np.rint(np.asarray(image).mean((0, 1))).astype(int).tolist()
    return Image.new("RGB", image.size, (red, green, blue))


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(_BLUR * max(image.size)))
