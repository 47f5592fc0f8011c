"""Dense heads that teach the vision part to see, thrown away when it can.

Every merged image token says what stands where it looks: the shape and colour under each quarter of
its cell, how many things have their centre in it, where it is itself, and for the thing nearest to
it the shape, colour, box, and the digits of the box as the language part will have to write them.

Capital letters in shape comments: B images, T = 36 tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES
from grit.models.tiny import SCENE

SIDE = 6  # merged tokens along a side of a scene
CELL = SCENE // SIDE  # pixels
NOTHING = -100  # what cross_entropy ignores
GROUND_WEIGHT = 0.2  # most quarters show ground
SHAPE_IDS = {shape: i + 1 for i, shape in enumerate(SHAPES)}  # 0: ground
COLOR_IDS = {color: i + 1 for i, color in enumerate(COLORS)}
CENTERS = 3  # how many centres a cell can hold, and 0


@dataclass(frozen=True)
class Targets:
    """What the heads are to say about a batch of scenes."""

    quarter_shapes: Tensor  # [B, T, 4]
    quarter_colors: Tensor  # [B, T, 4]
    centers: Tensor  # [B, T] number of centres in the cell
    rows: Tensor  # [B, T] of the cell
    columns: Tensor  # [B, T]
    shapes: Tensor  # [B, T] of the thing nearest to the cell's middle, NOTHING if none overlaps
    colors: Tensor  # [B, T]
    boxes: Tensor  # [B, T, 4] in cells, from the cell's middle; 0 where no thing overlaps
    digits: Tensor  # [B, T, 4, D], NOTHING where no thing overlaps


def targets_for(scenes: Sequence[Scene], scale: float, digits: int) -> Targets:
    """Dense targets; a coordinate in pixels times ``scale`` has ``digits`` digits when written."""
    rows = [_of_scene(scene, scale, digits) for scene in scenes]
    return Targets(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _of_scene(scene: Scene, scale: float, digits: int) -> tuple[Tensor, ...]:
    """The targets of one scene, in the order of the fields of `Targets`."""
    if not scene.things:
        raise ValueError("a scene without things teaches the heads nothing")
    boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float)  # [N, 4]
    shapes = torch.tensor([0, *(SHAPE_IDS[thing.shape] for thing in scene.things)])
    colors = torch.tensor([0, *(COLOR_IDS[thing.color] for thing in scene.things)])
    quarter = _covering(boxes, CELL // 2).view(SIDE, 2, SIDE, 2).permute(0, 2, 1, 3)
    quarter = quarter.reshape(SIDE * SIDE, 4)
    whole = _covering(boxes, CELL).flatten()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2  # [N, 2] x, y
    cells = (middles[:, 1] // CELL * SIDE + middles[:, 0] // CELL).long()
    centers = torch.bincount(cells, minlength=SIDE * SIDE).clamp(max=CENTERS - 1)
    nearest = boxes[(whole - 1).clamp(min=0)]  # [T, 4]
    written = (nearest * scale).round().long().clamp(max=10**digits - 1)
    powers = 10 ** torch.arange(digits - 1, -1, -1)
    spelt = written[..., None] // powers % 10
    spelt[whole == 0] = NOTHING
    place = torch.arange(SIDE * SIDE)
    rows, columns = place // SIDE, place % SIDE
    middle = torch.stack([columns, rows, columns, rows], 1) + 0.5
    offsets = (nearest / CELL - middle).masked_fill((whole == 0)[:, None], 0.0)
    return (
        *(shapes[quarter], colors[quarter], centers, rows, columns),
        *(seen.masked_fill(whole == 0, NOTHING) for seen in (shapes[whole], colors[whole])),
        *(offsets, spelt),
    )


def _covering(boxes: Tensor, cell: int) -> Tensor:
    """[S, S]: 1 + the position of the thing that overlaps each cell and is nearest, 0 for none."""
    edges = torch.arange(0, SCENE, cell)
    x1, y1, x2, y2 = (column[:, None] for column in boxes.unbind(1))
    across = (x1 < edges + cell) & (x2 > edges)  # [N, S]
    down = (y1 < edges + cell) & (y2 > edges)
    touched = down[:, :, None] & across[:, None, :]  # [N, S, S]
    middle = edges + cell / 2
    x, y = (x1 + x2) / 2 - middle, (y1 + y2) / 2 - middle
    distance = x[:, None, :].square() + y[:, :, None].square()
    distance = distance.masked_fill(~touched, torch.inf)
    return torch.where(touched.any(0), distance.argmin(0) + 1, 0)


class DenseHeads(nn.Module):
    """Linear readers of merged image features; `digits` digits per coordinate."""

    def __init__(self, width: int, digits: int) -> None:
        super().__init__()
        kinds = {
            "quarter_shapes": 4 * (len(SHAPES) + 1),
            "quarter_colors": 4 * (len(COLORS) + 1),
            "centers": CENTERS,
            "rows": SIDE,
            "columns": SIDE,
            "shapes": len(SHAPES) + 1,
            "colors": len(COLORS) + 1,
            "boxes": 4,
            "digits": 4 * digits * 10,
        }
        self.readers = nn.ModuleDict({name: nn.Linear(width, n) for name, n in kinds.items()})

    def forward(self, features: Tensor, targets: Targets) -> tuple[Tensor, dict[str, float]]:
        """Summed loss over ``features`` [B, T, width], and how right each head is."""
        loss = features.new_zeros(())
        figures: dict[str, float] = {}
        for name, reader in self.readers.items():
            said, wanted = reader(features), getattr(targets, name)
            if name == "boxes":
                there = targets.shapes != NOTHING
                loss = loss + functional.smooth_l1_loss(said[there], wanted[there], beta=0.1)
                figures["box_pixels"] = (said - wanted)[there].abs().mean().item() * CELL
                continue
            said = said.unflatten(-1, (wanted[0, 0].numel(), -1)).flatten(0, 2)
            wanted, weight = wanted.flatten(), None
            if name.startswith("quarter"):
                weight = torch.ones(said.shape[-1])
                weight[0] = GROUND_WEIGHT
            loss = loss + functional.cross_entropy(said, wanted, weight, ignore_index=NOTHING)
            there = wanted > 0 if weight is not None else wanted != NOTHING
            figures[name] = (said.argmax(-1) == wanted)[there].float().mean().item()
        return loss, figures
