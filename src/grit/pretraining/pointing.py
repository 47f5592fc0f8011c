"""Auxiliary heads for the language model: which things the descriptions in a question mean.

For every description ("the red circle", "green squares") they predict from the hidden state of its
last token how many things it means, where a single one is, and the offset to the thing that was
described before it. From answers of one bit the model would learn this very slowly. The heads are
discarded afterwards.

Capital letters in shape comments: M marked tokens, L tokens of a row, B rows.
"""

import re
from dataclasses import dataclass
from math import nan

from torch import Tensor, nn
from torch.nn import functional

from grit.data.shapes.questions import Term
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, PLURALS, SHAPES
from grit.models.tiny_families import SCENE, WIDTH

SECTORS = 24  # of 4 pixels, along each axis
COUNTS = 10
PLACE_LAYER, LATER_LAYER = 2, 3  # layers whose input is read; the later ones can use the result
_DESCRIBED = re.compile(rf"\b(?:({'|'.join(COLORS)}) )?({'|'.join((*SHAPES, 'thing'))})(?:e?s)?\b")
assert set(PLURALS.values()) <= {f"{shape}es" for shape in SHAPES}


@dataclass(frozen=True)
class Mark:
    """A description that ends before character ``end`` of a question, and the things it means.

    ``place`` is the centre of the thing in 0-1; NaN unless it is a single one. ``step`` is the
    offset to the thing described before; NaN unless both are single ones.
    """

    end: int
    count: int
    place: tuple[float, float]
    step: tuple[float, float]

    @property
    def targets(self) -> tuple[float, ...]:
        """The targets of the heads: count, x, y, dx, dy."""
        return (float(self.count), *self.place, *self.step)


def marks_in(question: str, scene: Scene) -> tuple[Mark, ...]:
    """Every description in a question."""
    marks = []
    before = (nan, nan)
    for match in _DESCRIBED.finditer(question):
        color, shape = match.groups()
        matching = Term(None if shape == "thing" else shape, color).among(scene)
        place = (nan, nan)
        if len(matching) == 1:
            x, y = scene.things[matching[0]].center
            place = (x / SCENE, y / SCENE)
        step = (before[0] - place[0], before[1] - place[1])
        marks.append(Mark(match.end(), len(matching), place, step))
        before = place
    return tuple(marks)


class PointingHeads(nn.Module):
    """Linear heads on the hidden states of marked tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.place_norm, self.later_norm = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.sectors = nn.Linear(WIDTH, 2 * SECTORS)
        self.places = nn.Linear(WIDTH, 2)
        self.counts = nn.Linear(WIDTH, COUNTS)
        self.steps = nn.Linear(WIDTH, 2)
        self.sides = nn.Linear(WIDTH, 2)

    def forward(
        self, states: tuple[Tensor, ...], where: Tensor, meant: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """The loss of the heads and their accuracies.

        Args:
            states: the hidden states [B, L, width] before each layer and after the last.
            where: [M], flat indices into B * L.
            meant: [M, 5], the targets of the marks.
        """
        early, late = (states[i].flatten(0, 1)[where] for i in (PLACE_LAYER, LATER_LAYER))
        early, late = self.place_norm(early), self.later_norm(late)
        numbers, wanted = self.counts(late), meant[:, 0].long()
        loss = functional.cross_entropy(numbers, wanted)
        figures = {"number": _share(numbers.argmax(-1) == wanted)}
        placed = meant[:, 1].isfinite()
        if placed.any():
            early, places = early[placed], meant[placed, 1:3]
            sectors = self.sectors(early).unflatten(-1, (2, SECTORS)).flatten(0, 1)
            truth = (places * SECTORS).long().flatten()
            loss = loss + functional.cross_entropy(sectors, truth)
            loss = loss + 10 * functional.smooth_l1_loss(self.places(early), places, beta=0.1)
            figures["place"] = _share((sectors.argmax(-1) - truth).abs() <= 1)
        stepped = meant[:, 3].isfinite()
        if stepped.any():
            late, steps = late[stepped], meant[stepped, 3:]
            sides, truths = self.sides(late), (steps > 0).float()
            loss = loss + 10 * functional.smooth_l1_loss(self.steps(late), steps, beta=0.1)
            loss = loss + functional.binary_cross_entropy_with_logits(sides, truths)
            figures["side"] = _share((sides > 0) == (steps > 0))
        return loss, figures


def _share(right: Tensor) -> float:
    return right.float().mean().item()
