"""A picture as the bytes of a file, and as an address that holds them."""

import io
from base64 import b64encode
from typing import Any, Literal

from PIL import Image


def picture_bytes(image: Image.Image, kind: Literal["PNG", "JPEG"], **options: Any) -> bytes:
    """The file of a picture, with Pillow's ``options`` for its kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def data_uri(image: Image.Image, kind: Literal["PNG", "JPEG"], **options: Any) -> str:
    """The same as an address for pages and services."""
    data = b64encode(picture_bytes(image, kind, **options)).decode("ascii")
    return f"data:image/{kind.lower()};base64,{data}"
