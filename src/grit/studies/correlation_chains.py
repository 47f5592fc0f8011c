"""A reasoning chain as figure 4 takes it: its boxes, and its text without their coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from grit.data.samples import Picture
from grit.evaluation.predictions import Prediction
from grit.grounding.boxes import Box, Space
from grit.grounding.traces import BOX_PATTERN, before_answer, boxes_in, contexts_in

MASK = "masked"  # what stands in a chain for the four numbers of a box


@dataclass(frozen=True)
class GroundedChain:
    """What was said about a picture before the answer, and the boxes said with it."""

    set: str
    id: str  # of the question, unique within its set
    text: str  # with every box's coordinates masked
    boxes: tuple[Box, ...]  # different ones with an area, clipped; original pixels; at least one
    contexts: tuple[str, ...]  # the words around each box where it is first mentioned
    picture: Picture


def chain_of(prediction: Prediction, picture: Picture) -> GroundedChain | None:
    """The chain of a completion; None where it has no box that could be drawn."""
    drawn = drawn_boxes(prediction)
    if not drawn:
        return None
    return GroundedChain(
        set=prediction.set,
        id=prediction.id,
        text=BOX_PATTERN.sub(MASK, before_answer(prediction.completion)).strip(),
        boxes=tuple(drawn),
        contexts=tuple(drawn.values()),
        picture=picture,
    )


def drawn_boxes(prediction: Prediction) -> dict[Box, str]:
    """The boxes of a chain that can be drawn, in original pixels, and the words around each.

    A box that is said twice is drawn once, as a random one in its stead will be. There is none
    where the picture's size is not known.
    """
    drawn: dict[Box, str] = {}
    if prediction.box_space is None or prediction.space is None:
        return drawn
    text = before_answer(prediction.completion)
    for corners, context in zip(boxes_in(text), contexts_in(text), strict=True):
        box = Box(*corners, prediction.box_space).to(prediction.space).tidied()
        if box is not None:
            drawn.setdefault(box, context)
    return drawn


def random_boxes(boxes: Sequence[Box], random: Random, *, same_sizes: bool) -> tuple[Box, ...]:
    """As many boxes anywhere in the same image.

    With ``same_sizes`` each is as wide and as high as the one it stands in for; otherwise its left
    and right edge are two different pixels of the width, its upper and lower edge of the height.
    """
    return tuple(
        _moved(box, random) if same_sizes else _anywhere(box.space, random) for box in boxes
    )


def _moved(box: Box, random: Random) -> Box:
    width, height = box.x2 - box.x1, box.y2 - box.y1
    x = random.uniform(0, box.space.width - width)
    y = random.uniform(0, box.space.height - height)
    return Box(x, y, x + width, y + height, box.space)


def _anywhere(space: Space, random: Random) -> Box:
    x1, x2 = sorted(random.sample(range(int(space.width) + 1), 2))
    y1, y2 = sorted(random.sample(range(int(space.height) + 1), 2))
    return Box(x1, y1, x2, y2, space)
