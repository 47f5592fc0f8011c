"""An answer of a model with all that can be made of it: parts, boxes, a row, a picture."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image

from grit.core.picture_bytes import picture_bytes
from grit.grounding.boxes import Box, Space, converted
from grit.grounding.traces import Trace, parse
from grit.pages.chain_picture import chain_picture
from grit.pages.chains import Chain, chain_said


@dataclass(frozen=True)
class Answer:
    """What a model said to a question about an image."""

    question: str
    completion: str  # the whole text
    image: Image.Image = field(repr=False)  # RGB, in its original size
    box_space: Space = field(repr=False)  # the coordinate space of the completion's boxes
    name: str = ""  # of the image
    tagged: bool = True  # whether the answer stands behind <answer>; else it is all of the text
    truncated: bool = False  # stopped by evaluation.max_new_tokens
    sample: int = 1  # number among the answers to the same question
    truth: str | None = None  # the right answer, where it is known
    tokens: int = 0  # of the completion
    written: str | None = field(default=None, repr=False)  # see ``Prediction.written``

    @cached_property
    def trace(self) -> Trace:
        """The completion's parts as written."""
        return parse(self.completion)

    @property
    def think(self) -> str | None:
        """The text between <think> and </think>."""
        return self.trace.think

    @property
    def rethink(self) -> str | None:
        """The text between <rethink> and </rethink>."""
        return self.trace.rethink

    @property
    def answer(self) -> str | None:
        """The answer; None if there is none."""
        return self.trace.answer if self.tagged else self.completion.strip() or None

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """Every box of the completion, in order, in pixels of the original image."""
        space = Space("original", *self.image.size)
        return converted(self.trace.all_boxes, self.box_space, space)

    @cached_property
    def numbered(self) -> dict[int, Box]:
        """The boxes by the number that pictures and pages show; equal ones have one number."""
        distinct = dict.fromkeys(self.boxes)
        return dict(enumerate(distinct, start=1))

    @cached_property
    def chain(self) -> Chain:
        """The completion ready to draw."""
        space = Space("original", *self.image.size)
        return chain_said(self.completion, self.boxes, space)

    def picture(self) -> Image.Image:
        """The image with numbered boxes, beside it the text."""
        return chain_picture(self.image, self.question, self.chain, self.answer)

    def row(self) -> dict[str, Any]:
        """A line of ``inference.jsonl``; boxes in pixels of the original image."""
        return {
            "image": self.name,
            "question": self.question,
            "sample": self.sample,
            "completion": self.completion,
            "think": self.think,
            "rethink": self.rethink,
            "answer": self.answer,
            "boxes": [[round(corner, 2) for corner in box.corners] for box in self.boxes],
            "width": self.image.width,
            "height": self.image.height,
            "truncated": self.truncated,
        }

    def png(self) -> bytes:
        """``picture`` as a PNG file."""
        return picture_bytes(self.picture(), "PNG", optimize=True)

    _repr_png_ = png  # what a notebook shows
