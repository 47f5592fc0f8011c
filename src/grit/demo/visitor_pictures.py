"""The pictures that visitors ask about: uploaded, or a scene that is drawn for them."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from PIL import Image

from grit.grounding.boxes import Space
from grit.inference.questions import drawn, viewed
from grit.pages.chains import EmbeddedPicture, embedded

_SIDE = 768  # pixels of the longest side on the page; the model gets the picture as it is
_decoding = Lock()  # one at a time: a large picture takes 150 MB


@dataclass(frozen=True)
class VisitorPicture:
    """A picture, and what may be asked about it."""

    load: Callable[[], Image.Image]  # as RGB
    shown: EmbeddedPicture
    question: str = ""  # the scene's own
    truth: str | None = None  # its answer


def uploaded(content: bytes) -> VisitorPicture:
    """The picture of an image file's bytes, which stay as they are: they are smaller.

    Raises:
        GritError: they cannot be read as an image, or it has too many pixels.
    """

    def load() -> Image.Image:
        with _decoding:
            return viewed(io.BytesIO(content), "the picture")

    return VisitorPicture(load, _embedded(load()))


def scene(seed: int) -> VisitorPicture:
    """A drawn scene of the dev split with its question and answer."""
    asked = drawn(seed)
    image = asked.picture.load()
    return VisitorPicture(lambda: image, _embedded(image), asked.question, asked.truth)


def _embedded(image: Image.Image) -> EmbeddedPicture:
    return embedded(image, Space("original", *image.size), side=_SIDE)
