"""A reasoning chain as figure 4 takes it: its boxes, and its text without their coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from grit.data.samples import Picture
from grit.evaluation.predictions import Prediction
from grit.grounding.boxes import Box, Space
from grit.grounding.traces import BOX_PATTERN, boxes_in

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
        text=BOX_PATTERN.sub(MASK, _chain(prediction)).strip(),
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
    if prediction.spoken is None or prediction.space is None:
        return drawn
    text = _chain(prediction)
    for corners, context in zip(boxes_in(text), contexts_in(text), strict=True):
        box = Box(*corners, prediction.spoken).to(prediction.space).tidied()
        if box is not None:
            drawn.setdefault(box, context)
    return drawn


def _chain(prediction: Prediction) -> str:
    return prediction.completion.partition("<answer>")[0]


def contexts_in(text: str) -> list[str]:
    """The words that belong to each box of a chain.

    Those inside the same braces, as in ``{"bbox_2d": [...], "label": "dog"}``; without braces, what
    stands between the box before and this one, as in ``the dog [...] beside a cat [...]``.
    """
    spans = [match.span() for match in BOX_PATTERN.finditer(text)]
    edges = [(0, 0), *spans, (len(text), len(text))]
    contexts = []
    for (_, before), (start, end), (after, _) in zip(edges, spans, edges[2:], strict=False):
        opening, closing = text.rfind("{", before, start), text.find("}", end, after)
        inside = opening >= 0 and closing >= 0
        contexts.append(text[opening:closing] if inside else text[before:start])
    return contexts


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
