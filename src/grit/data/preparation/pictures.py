"""Whether bytes are the image that a row speaks of."""

import io
from pathlib import Path

from grit.data.pictures import OtherSize, Size, Unusable, decode, opened

LARGEST_IMAGE = 64 * 2**20  # bytes of a file


def picture_size(content: bytes, expected: Size | None = None) -> Size:
    """The size of an image, after decoding all of it.

    Raises:
        Unusable: it is no image, it is cut off, or its size is not the ``expected`` one.
    """
    try:
        with opened(io.BytesIO(content), expected) as image:
            size = image.size
            decode(image)
    except OtherSize as error:
        assert expected is not None
        raise Unusable(f"{_shape(error.found)} pixels instead of {_shape(expected)}") from error
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
