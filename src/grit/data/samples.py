"""The image-question-answer triplet, of any source."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from grit.core.fingerprints import fingerprint
from grit.grounding.boxes import Box, Space


class Picture(Protocol):
    """An image that is loaded on demand: a file, or a drawn scene."""

    @property
    def key(self) -> str:
        """A hash of the content: equal keys mean equal pixels."""

    def load(self) -> Image.Image:
        """The image as RGB, in its original size."""


@dataclass(frozen=True)
class Sample:
    """A question about a picture, its answer, and the boxes that annotate it."""

    id: str  # unique within a data set, stable between runs: "vsr/17"
    question: str
    answer: str  # integers and boxes as text
    dataset: str  # the row's field; rewards and results depend on it
    picture: Picture
    space: Space  # of the boxes: pixels of the original image
    boxes: tuple[Box, ...] | None = None  # None: not annotated; (): annotated, nothing to box
    labels: tuple[str, ...] = ()  # of the boxes, where they are known
    answer_is_box: bool = False  # detection: scored by IoU instead of by a judge
    where: str = field(default="", compare=False)  # "FILE line N", for messages; "" without a file


def samples_fingerprint(samples: Iterable[Sample]) -> str:
    """A hash of ids, questions, answers and boxes, whatever their order; not of the pixels.

    Order does not count: with a whole file, another seed only reorders the same triplets.
    """
    return fingerprint(
        [
            (sample.id, sample.question, sample.answer, [box.corners for box in sample.boxes or ()])
            for sample in sorted(samples, key=lambda sample: sample.id)
        ]
    )
