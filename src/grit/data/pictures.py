"""Reading image files: accepted formats and sizes, orientation, conversion to RGB.

Accepted are JPEG, PNG, WebP, GIF, BMP and TIFF; of several frames or pages, the first. Pillow's
other formats are not opened (PostScript, for example, would run a program). Sizes are checked in
the header before anything is decoded: a few kilobytes can decode to gigabytes.

Orientation: EXIF data may say that a photograph is to be rotated. The row's boxes refer to the
orientation in which the image has the size that the row states. If that is the size of the stored
pixels (as in COCO, and as GRIT's released code reads them), the image is not rotated; if it is the
size after the rotation, it is. Rotations that keep the size (by 180 degrees, mirroring, or of a
square) are not applied. The orientation tag of a TIFF file is always applied, by Pillow.
"""

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
from grit.core.files import file_hash

Size = tuple[int, int]  # width and height, pixels

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 50_000_000  # a phone's photograph has 8,160 x 6,120; the paper's largest 18.4 million
MAX_ASPECT = 200  # of the longer side to the shorter: Qwen's image processor accepts no more
_TOO_LARGE = f"at most {MAX_PIXELS:,} pixels are taken"
_UNIDENTIFIED = "it is damaged, or no JPEG, PNG, WebP, GIF, BMP or TIFF"
_ROTATED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


class Unusable(Exception):
    """A file is missing, damaged or not the expected one; its text is the reason."""


class OtherSize(Unusable):
    """An image does not have the size that its row states."""

    def __init__(self, size: Size) -> None:
        super().__init__(size)
        self.size = size


@contextmanager
def opened(source: Path | IO[bytes], stated: Size | None = None) -> Iterator[Image.Image]:
    """Open an image and check its header; its pixels are not decoded yet.

    Errors of decoding are raised in the block, by Pillow, and may be nearly any exception.

    Args:
        source: file or stream.
        stated: the size that it has to have, before or after the rotation of EXIF; None: any.

    Raises:
        Unusable: it is too large, its aspect ratio is too large, or it has another size.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded below
        try:
            image = Image.open(source, formats=FORMATS)
        except Image.DecompressionBombError:  # of Pillow's own bound, above ours
            raise Unusable(f"{_TOO_LARGE}, and it has far more") from None
    with image:
        check_size(image.size)
        turned = image.size[::-1]
        if stated not in (None, image.size) and not (stated == turned and _is_rotated(image)):
            raise OtherSize(image.size)
        yield image


def check_size(size: Size) -> None:
    """Raise Unusable for a picture that is too large, or whose aspect ratio is."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise Unusable(f"{_TOO_LARGE}, and it has {width} x {height}")
    if max(size) > MAX_ASPECT * min(size):
        raise Unusable(
            f"it has {width} x {height} pixels: a side may be at most {MAX_ASPECT} times the other"
        )


def decode(image: Image.Image) -> None:
    """Decode an image to check it, a JPEG at an eighth of its size.

    Raises:
        Unusable: the range of its pixel values is not known.
        Exception: of any type, if it is damaged.
    """
    image.draft("L", (1, 1))
    image.load()
    _check_range(image)


def rgb(image: Image.Image, stated: Size) -> Image.Image:
    """The image as RGB of 8 bits, in the orientation that has the stated size.

    Transparent pixels become white. Raises as ``decode``.
    """
    image.load()
    _check_range(image)
    if image.size != stated:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.float32) / 257  # 65535 is white
        return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        # Diagrams often are black lines on transparent pixels whose own colour is black.
        layered = image.convert("RGBA")
        background = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(background, layered).convert("RGB")
    return image.convert("RGB")


def _is_rotated(image: Image.Image) -> bool:
    """Whether EXIF exchanges width and height; Pillow has already rotated a TIFF."""
    return image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in _ROTATED


def _check_range(image: Image.Image) -> None:
    # Older versions of Pillow open a PNG of 16 bits in mode "I"; else that is an image of 32 bits.
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise Unusable("its pixels are numbers of 32 bits: store it with 8 or 16 bits")


@dataclass(frozen=True)
class ImageFile:
    """An image file that a row refers to; implements `samples.Picture`."""

    path: Path
    size: Size  # that the row states; it also determines the orientation, see above
    where: str = field(default="", compare=False)  # the row, for messages

    @cached_property
    def key(self) -> str:
        """A hash of the file's bytes, marked where ``load`` turns them.

        Rows may read one file either way up, and features are cached by this key.
        """
        with self._opened() as image:
            turned = image.size != self.size
            return file_hash(self.path) + ("/turned" if turned else "")

    def load(self) -> Image.Image:
        """The image as RGB, of the size that the row states.

        Raises:
            GritError: the file is missing, damaged, of another format, or of another size; with the
                file and the row.
        """
        with self._opened() as image:
            return rgb(image, self.size)

    def check(self) -> None:
        """Raise what ``load`` would raise; takes about 1 ms for a photograph."""
        with self._opened() as image:
            decode(image)

    @contextmanager
    def _opened(self) -> Iterator[Image.Image]:
        try:
            with opened(self.path, self.size) as image:
                yield image
        except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
            name = f'{self.where}: field "image": {self.path}' if self.where else str(self.path)
            raise unreadable(name, error, self.size) from error


def unreadable(name: str, error: Exception, stated: Size | None = None) -> GritError:
    """What was raised while an image was read, as an error for the user.

    Args:
        name: of the file, with the row that refers to it.
        error: of ``opened``, ``rgb`` or Pillow.
        stated: the size that the file should have.
    """
    if isinstance(error, OtherSize) and stated is not None:
        expected, actual = "{} x {}".format(*stated), "{} x {}".format(*error.size)
        return GritError(f"{name}: expected {expected} pixels (width x height), found {actual}")
    if isinstance(error, Unusable):
        return GritError(f"{name}: {error}")
    if isinstance(error, FileNotFoundError):
        return GritError(f"{name} is missing")
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        reason = _UNIDENTIFIED
    return GritError(f"{name} cannot be read as an image: {reason}")
