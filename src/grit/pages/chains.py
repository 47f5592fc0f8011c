"""A reasoning chain to look at: its picture with numbered boxes, its text with the same numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from PIL import Image

from grit.core.picture_bytes import data_uri
from grit.evaluation.consistency import answers_right, boxes_right
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Box, Corners, Space
from grit.grounding.traces import BOX_PATTERN, boxes_in, format_parts, parse

VIEW = 240  # longest side of a picture in the unit of its overlay
PALETTE = (
    *("#d6323a", "#1877c9", "#21824f", "#b85c00"),
    *("#8341bd", "#0b7c86", "#c2338b", "#75624a"),
)
"""Box numbers take these colours in turn, in pages and in pictures."""
COLORS = len(PALETTE)
MOST_TEXT = 1200  # characters of a completion that are shown
_PHOTOGRAPH = 384  # pixels of the longest side of an embedded photograph
_TINY = 160  # pixels of the longest side up to which every pixel is kept, and shown as a square
_QUALITY = 80  # of JPEG
_TAGS = re.compile("(</?(?:think|rethink|answer)>)")
_PLATE_HEIGHT, _PLATE_DIGIT, _PLATE_PAD = 14, 7, 6

_MISSING = {
    "think_pair": "think tags",
    "rethink_pair": "rethink tags",
    "box_in_chain": "boxes",
    "answer": "answer",
}


class Piece(NamedTuple):
    """A part of a completion: plain text, one of GRIT's tags, or a box with its number."""

    kind: Literal["text", "tag", "box"]
    text: str
    number: int = 0
    again: bool = False  # a box that was mentioned before


class Frame(NamedTuple):
    """A rectangle in the overlay's unit."""

    x: float
    y: float
    width: float
    height: float


class Mark(NamedTuple):
    """A predicted box of the overlay, with the plate that bears its number."""

    number: int
    frame: Frame
    plate: Frame


@dataclass(frozen=True)
class Chain:
    """One completion, ready to draw."""

    pieces: tuple[Piece, ...]
    left_out: int  # characters of the completion that are not shown
    marks: tuple[Mark, ...]  # large before small, so that none hides another from the pointer
    truths: tuple[Frame, ...]
    answer: str | None
    right: bool | None  # None: nobody could say
    giou: float | None
    missing: tuple[str, ...]  # parts of the format that the completion lacks, in words

    def span(self, number: int) -> tuple[int, int]:
        """Where in the completion a box is first: its first character, the one behind its last."""
        start = 0
        for piece in self.pieces:
            if piece.number == number:
                return start, start + len(piece.text)
            start += len(piece.text)
        raise KeyError(number)

    @property
    def repeated(self) -> int:
        """How many mentions are of a box that was mentioned before."""
        return sum(piece.again for piece in self.pieces)


@dataclass(frozen=True)
class EmbeddedPicture:
    """A picture inside the page, and the size of its overlay."""

    uri: str  # "" where there is no picture: the boxes stand on an empty ground
    pixelated: bool
    width: float
    height: float


def is_right(row: ScoredPrediction) -> bool | None:
    """Whether the answer counts as right; for detection, whether the boxes do."""
    if row.prediction.truth_is_box:
        return boxes_right(row)
    return answers_right(row)


def chain_of(row: ScoredPrediction) -> Chain:
    """What there is to see of a row, its beginning alone if it is long."""
    said, space = row.prediction, row.prediction.space
    unjudged = chain_said(said.completion, row.boxes or (), space, most_text=MOST_TEXT)
    return replace(
        unjudged,
        truths=() if space is None else _truths(row, space),
        answer=row.answer,
        right=is_right(row),
        giou=row.giou,
        missing=_missing(row.parts),
    )


def chain_said(
    completion: str, boxes: Sequence[Box], space: Space | None, *, most_text: int | None = None
) -> Chain:
    """What there is to see of a completion that nobody judged.

    Boxes are numbered from 1 in order of first mention; equal ones share their number.

    Args:
        completion: the text.
        boxes: all that it has, in order, in ``space``.
        space: pixels of the original image; None: its size is unknown, and no box is drawn.
        most_text: characters that are shown; None: all.
    """
    pieces, numbers = _pieces(completion, most_text)
    trace = parse(completion)
    return Chain(
        pieces=pieces,
        left_out=len(completion) - sum(len(piece.text) for piece in pieces),
        marks=() if space is None else _marks(completion, boxes, numbers, space),
        truths=(),
        answer=trace.answer,
        right=None,
        giou=None,
        missing=_missing(format_parts(trace)),
    )


def _missing(parts: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(_MISSING[name] for name, there in parts.items() if not there)


def embedded(
    image: Image.Image | None, space: Space | None, *, side: int = _PHOTOGRAPH
) -> EmbeddedPicture:
    """The picture as a data URI: tiny ones pixel by pixel, others as a JPEG of at most ``side``."""
    if image is None:
        size = (1.0, 1.0) if space is None else (space.width, space.height)
        return EmbeddedPicture("", False, *_view_size(*size))
    picture = image.convert("RGB")
    tiny = max(picture.size) <= _TINY
    if tiny:
        uri = data_uri(picture, "PNG", optimize=True)
    else:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        uri = data_uri(picture, "JPEG", quality=_QUALITY, optimize=True)
    return EmbeddedPicture(uri, tiny, *_view_size(*image.size))


def _view_size(width: float, height: float) -> tuple[float, float]:
    scale = VIEW / max(width, height)
    return round(width * scale, 1), round(height * scale, 1)


def _pieces(completion: str, most_text: int | None) -> tuple[tuple[Piece, ...], dict[Corners, int]]:
    """The completion in pieces, cut after ``most_text`` characters but never inside a box."""
    numbers: dict[Corners, int] = {}
    pieces: list[Piece] = []
    done, end = 0, len(completion) if most_text is None else min(len(completion), most_text)
    for match in BOX_PATTERN.finditer(completion):
        start, stop = match.span()
        if completion[start - 1 : start] == "[" and completion[stop : stop + 1] == "]":
            start, stop = start - 1, stop + 1
        if start >= end:
            break
        if stop > end:
            end = start
            break
        corners = boxes_in(match[0])[0]
        again = corners in numbers
        number = numbers.setdefault(corners, len(numbers) + 1)
        box = Piece("box", completion[start:stop], number, again)
        pieces += [*_tagged(completion[done:start]), box]
        done = stop
    return (*pieces, *_tagged(completion[done:end])), numbers


def _tagged(text: str) -> list[Piece]:
    """Plain text and GRIT's tags, which stand at odd places of the parts."""
    parts = enumerate(_TAGS.split(text))
    return [Piece("tag" if at % 2 else "text", part) for at, part in parts if part]


def _marks(
    completion: str, boxes: Sequence[Box], numbers: dict[Corners, int], space: Space
) -> tuple[Mark, ...]:
    """The numbered boxes that have an area inside the picture."""
    spoken = boxes_in(completion)
    width, height = _view_size(space.width, space.height)
    frames: dict[int, Frame] = {}
    for corners, box in zip(spoken, boxes, strict=False):
        frame = _frame(box, space)
        if corners in numbers and frame is not None:
            frames.setdefault(numbers[corners], frame)
    marks: list[Mark] = []
    for number, frame in frames.items():
        plate = _plate(number, frame, [mark.plate for mark in marks], width, height)
        marks.append(Mark(number, frame, plate))
    return tuple(sorted(marks, key=lambda mark: -mark.frame.width * mark.frame.height))


def _truths(row: ScoredPrediction, space: Space) -> tuple[Frame, ...]:
    frames = (_frame(box, space) for box in row.prediction.true_boxes or ())
    return tuple(frame for frame in frames if frame is not None)


def _frame(box: Box, space: Space) -> Frame | None:
    tidy = box.to(space).tidied()
    if tidy is None:
        return None
    scale = VIEW / max(space.width, space.height)
    sides = (tidy.x1, tidy.y1, tidy.x2 - tidy.x1, tidy.y2 - tidy.y1)
    return Frame(*(round(side * scale, 1) for side in sides))


def _plate(number: int, frame: Frame, taken: Sequence[Frame], width: float, height: float) -> Frame:
    """Where the number stands: at a corner of its box, where no other number is if possible."""
    wide, high = _PLATE_PAD + _PLATE_DIGIT * len(str(number)), _PLATE_HEIGHT
    right, bottom = frame.x + frame.width - wide, frame.y + frame.height
    corners = [
        (frame.x, frame.y - high),
        (right, frame.y - high),
        (frame.x, bottom),
        (right, bottom),
        (frame.x, frame.y),
        (right, bottom - high),
        *((frame.x + step * wide, frame.y) for step in range(1, 5)),
    ]
    plates = [Frame(round(x, 1), round(y, 1), wide, high) for x, y in corners]
    inside = [plate for plate in plates if _is_inside(plate, width, height)]
    free = [plate for plate in inside if not any(_overlap(plate, other) for other in taken)]
    if free or inside:
        return (free or inside)[0]
    x = min(max(frame.x, 0), max(width - wide, 0))
    y = min(max(frame.y, 0), max(height - high, 0))
    return Frame(x, y, wide, high)


def _is_inside(plate: Frame, width: float, height: float) -> bool:
    return 0 <= plate.x <= width - plate.width and 0 <= plate.y <= height - plate.height


def _overlap(first: Frame, second: Frame) -> bool:
    across = first.x < second.x + second.width and second.x < first.x + first.width
    return across and first.y < second.y + second.height and second.y < first.y + first.height
