"""Whether bytes are the image that a row speaks of."""

import io
import warnings
from pathlib import Path

from PIL import Image

LARGEST_IMAGE = 64 * 2**20  # bytes of a file
LARGEST_PIXELS = 100_000_000  # of an image; the largest of the paper's has 26 million

Size = tuple[int, int]  # width and height, pixels


class Unusable(Exception):
    """What was found is not what was asked for; its text is the reason."""


def picture_size(content: bytes, expected: Size | None = None) -> Size:
    """The size of an image, after decoding all of it.

    Raises:
        Unusable: it is no image, it is cut off, or its size is not the ``expected`` one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # bounded below
            with Image.open(io.BytesIO(content)) as image:
                size = image.size
                if size[0] * size[1] > LARGEST_PIXELS:
                    raise Unusable(f"an image of {size[0]} x {size[1]} pixels")
                if expected is not None and size != expected:
                    raise Unusable(f"{_shape(size)} pixels instead of {_shape(expected)}")
                image.load()
    except Unusable:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
        raise Unusable(_what_else(content)) from error
    return size


def file_size(path: Path, expected: Size | None = None) -> Size:
    """The size of an image that is there already; raises like `picture_size`."""
    try:
        if path.stat().st_size > LARGEST_IMAGE:
            raise Unusable(f"larger than {LARGEST_IMAGE >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error
    return picture_size(content, expected)


def _shape(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _what_else(content: bytes) -> str:
    beginning = content[:512].lstrip().lower()
    if not content:
        return "an empty file"
    if beginning.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a page instead of an image"
    return "not an image, or a damaged one"
