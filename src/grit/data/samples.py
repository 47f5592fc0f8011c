"""One image-question-answer triplet, wherever it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from grit.core.fingerprints import fingerprint
from grit.grounding.boxes import Box, Space


class Picture(Protocol):
    """An image that is loaded when it is needed: a file, or a scene that is drawn."""

    @property
    def key(self) -> str:
        """Identifies the content: equal keys mean equal pixels."""

    def load(self) -> Image.Image:
        """The image, RGB, at its original size."""


@dataclass(frozen=True)
class Sample:
    """A question about a picture, its answer, and the boxes that annotate it."""

    id: str  # unique within a data set, stable between runs: "vsr/17"
    question: str
    answer: str  # an integer or a box is kept as its text
    dataset: str  # the row's own field: rewards and results are told apart by it
    picture: Picture
    space: Space  # the original image's pixels
    boxes: tuple[Box, ...] | None = None  # None: not annotated; (): annotated as having none
    labels: tuple[str, ...] = ()  # what each box shows, where that is known
    answer_is_box: bool = False  # detection: the answer is a box, which no judge reads
    where: str = field(default="", compare=False)  # FILE line N, for messages; "" if in no file


def samples_fingerprint(samples: Iterable[Sample]) -> str:
    """Of all that is written about the pictures, in order; not of their pixels."""
    return fingerprint(
        [
            (one.id, one.question, one.answer, [box.corners for box in one.boxes or ()])
            for one in samples
        ]
    )
