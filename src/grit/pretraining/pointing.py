"""Dense heads for the language part: what the descriptions in a question point at.

Where a question names something ("the red circle", "green squares"), the hidden state of the name's
last token has to say how many things it means, where the one thing stands, and how the thing named
before it stands to it. Answers of one bit teach all that very slowly. The heads are thrown away
when the answers are right.

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
from grit.models.tiny import SCENE, WIDTH

SECTORS = 24  # of 4 pixels, across and down
COUNTS = 10
PLACE_LAYER, LATER_LAYER = 2, 3  # read after so many layers: the last is left to use it
_DESCRIBED = re.compile(rf"\b(?:({'|'.join(COLORS)}) )?({'|'.join((*SHAPES, 'thing'))})(?:e?s)?\b")
assert set(PLURALS.values()) <= {f"{shape}es" for shape in SHAPES}


@dataclass(frozen=True)
class Mark:
    """A description that ends before character ``end`` of a question, and what it means.

    Places are centres in 0-1; they are NaN unless one thing is meant, and the step to the thing
    named before is NaN unless both are one thing.
    """

    end: int
    count: int
    place: tuple[float, float]
    step: tuple[float, float]

    @property
    def targets(self) -> tuple[float, ...]:
        """What the heads have to say: count, x, y, dx, dy."""
        return (float(self.count), *self.place, *self.step)


def marks_in(question: str, scene: Scene) -> tuple[Mark, ...]:
    """Every description in a question."""
    marks = []
    before = (nan, nan)
    for match in _DESCRIBED.finditer(question):
        color, shape = match.groups()
        found = Term(None if shape == "thing" else shape, color).among(scene)
        place = (nan, nan)
        if len(found) == 1:
            x, y = scene.things[found[0]].center
            place = (x / SCENE, y / SCENE)
        step = (before[0] - place[0], before[1] - place[1])
        marks.append(Mark(match.end(), len(found), place, step))
        before = place
    return tuple(marks)


class PointingHeads(nn.Module):
    """Linear readers of the hidden states at marked tokens."""

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
        """Loss and how right the heads are.

        ``states`` are the hidden states [B, L, width] before each layer and after the last;
        ``where`` [M] are flat indices into B * L; ``meant`` [M, 5] are the marks' targets.
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
