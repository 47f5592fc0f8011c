"""Picture files: which are taken, which way up they are, and their pixels as a model sees them.

Taken are JPEG, PNG, WebP, GIF, BMP and TIFF; of a file with several frames or pages the first.
Whatever else Pillow could open (PostScript, which runs a program, among them) is not opened.
A header is looked at before anything is decoded: a few kilobytes can say that they are a picture
of gigabytes.

Which way up. A photograph's EXIF data may say that it is to be shown turned. The size that its row
states tells which way up the row's boxes are: where it is the size of the pixels as they are
stored (as in COCO, and as GRIT's released code reads them), they are left so; where it is the size
after the turn, the picture is turned. A turn that keeps the size (upside down, mirrored, or of a
square) is never made. A TIFF file's own orientation is part of that format, and always followed.
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from grit.core.errors import GritError

Size = tuple[int, int]  # width and height, pixels

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
LARGEST_PIXELS = 50_000_000  # a phone's photograph of 8,160 x 6,120; the paper's largest has 18.4
LONGEST = 200  # a side over the other: Qwen's image processor takes no more
_MOST = f"at most {LARGEST_PIXELS:,} pixels are taken"
_NO_PICTURE = "it is damaged, or no JPEG, PNG, WebP, GIF, BMP or TIFF"
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


class Unusable(Exception):
    """What was found is not what was asked for; its text is the reason."""


class OtherSize(Unusable):
    """A picture that is not of the size that its row states."""

    def __init__(self, found: Size) -> None:
        super().__init__(found)
        self.found = found


@contextmanager
def opened(source: Path | IO[bytes], stated: Size | None = None) -> Iterator[Image.Image]:
    """A picture by its header, of the size that is stated before or after EXIF's turn.

    Its pixels are not decoded yet: what is wrong with them is raised in the block, by Pillow, and
    may be nearly any exception.

    Raises:
        Unusable: it is too large, too long, or of another size.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded below
        try:
            image = Image.open(source, formats=FORMATS)
        except Image.DecompressionBombError:  # of Pillow's own bound, above ours
            raise Unusable(f"{_MOST}, and it has far more") from None
    with image:
        width, height = image.size
        if width * height > LARGEST_PIXELS:
            raise Unusable(f"{_MOST}, and it has {width} x {height}")
        if max(image.size) > LONGEST * min(image.size):
            raise Unusable(
                f"it has {width} x {height} pixels: a side may be at most {LONGEST} times the other"
            )
        if stated not in (None, image.size) and not (
            stated == (height, width) and _is_sideways(image)
        ):
            raise OtherSize(image.size)
        yield image


def decode(image: Image.Image) -> None:
    """Decode a picture only to see whether that can be done: JPEG at an eighth of its size.

    Raises:
        Unusable: its pixels have no known range.
        Exception: it is damaged.
    """
    image.draft("L", (1, 1))
    image.load()
    _check_range(image)


def rgb(image: Image.Image, stated: Size) -> Image.Image:
    """The pixels the way up that the row's size states, as RGB, on white where transparent.

    16 bits are scaled to 8. Raises as ``decode``.
    """
    image.load()
    _check_range(image)
    if image.size != stated:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.float32) / 257  # 65535 is white
        return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Diagrams often are black lines on a transparent ground, which may be black beneath.
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _is_sideways(image: Image.Image) -> bool:
    """Whether EXIF says to turn it by a quarter; Pillow has turned a TIFF by itself."""
    return image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS


def _check_range(image: Image.Image) -> None:
    # "I" is what older Pillows make of a PNG of 16 bits, and else a picture of 32.
    unknown = image.mode == "F" or (image.mode == "I" and image.format != "PNG")
    if unknown:
        raise Unusable("its pixels are numbers of 32 bits: store it with 8 or 16 bits")


@dataclass(frozen=True)
class ImageFile:
    """A picture in a file, whose size the row that names it states."""

    path: Path
    size: Size  # that the row states: it says which way up the picture is, see above
    where: str = field(default="", compare=False)  # the row, for messages

    @cached_property
    def key(self) -> str:
        """A hash of the file's bytes."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise self._unusable(error) from error

    def load(self) -> Image.Image:
        """The pixels as RGB, of the size that the row states.

        Raises:
            GritError: names file and row of a file that is missing, damaged, no picture that is
                taken, or not of the row's size.
        """
        with self._checked() as image:
            return rgb(image, self.size)

    def check(self) -> None:
        """Decode the file, and raise what ``load`` would; takes about 1 ms for a photograph."""
        with self._checked() as image:
            decode(image)

    @contextmanager
    def _checked(self) -> Iterator[Image.Image]:
        try:
            with opened(self.path, self.size) as image:
                yield image
        except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> GritError:
        named = f'{self.where}: field "image": {self.path}' if self.where else str(self.path)
        if isinstance(error, OtherSize):
            stated, found = "{} x {}".format(*self.size), "{} x {}".format(*error.found)
            return GritError(f"{named}: expected {stated} pixels (width x height), found {found}")
        if isinstance(error, Unusable):
            return GritError(f"{named}: {error}")
        if isinstance(error, FileNotFoundError):
            return GritError(f"{named} is missing")
        known = isinstance(error, UnidentifiedImageError)
        reason = _NO_PICTURE if known else " ".join(str(error).split()) or type(error).__name__
        return GritError(f"{named} cannot be read as an image: {reason}")
