"""Auxiliary dense heads for training the vision tower; they are discarded afterwards.

From every merged image token they predict the shape and colour in each quarter of its cell, the
number of things with their centre in the cell, the cell's own row and column, and, for the nearest
thing, its shape, colour and box, and the digits of the box as the language model has to write them.

Capital letters in shape comments: B images, T = 36 tokens, N things, S cells on a side, D digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import COLORS, SHAPES
from grit.models.tiny_families import SCENE

SIDE = 6  # merged tokens along a side of a scene
CELL = SCENE // SIDE  # pixels
NOTHING = -100  # ignore_index of cross_entropy
GROUND_WEIGHT = 0.2  # of background in the loss: most quarters show it
SHAPE_IDS = {shape: i + 1 for i, shape in enumerate(SHAPES)}  # 0: background
COLOR_IDS = {color: i + 1 for i, color in enumerate(COLORS)}
CENTERS = 3  # classes of the number of centres in a cell: 0, 1, 2 or more


@dataclass(frozen=True)
class Targets:
    """The targets of the heads for a batch of scenes."""

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
    """The targets of scenes; a written coordinate is pixels * ``scale`` with ``digits`` digits."""
    rows = [_scene_targets(scene, scale, digits) for scene in scenes]
    return Targets(*(torch.stack(column) for column in zip(*rows, strict=True)))


def _scene_targets(scene: Scene, scale: float, digits: int) -> tuple[Tensor, ...]:
    """The targets of one scene, in the order of the fields of `Targets`."""
    if not scene.things:
        raise ValueError("a scene without things teaches the heads nothing")
    boxes = torch.tensor([thing.box for thing in scene.things], dtype=torch.float)  # [N, 4]
    shapes = torch.tensor([0, *(SHAPE_IDS[thing.shape] for thing in scene.things)])
    colors = torch.tensor([0, *(COLOR_IDS[thing.color] for thing in scene.things)])
    quarter = _nearest_thing(boxes, CELL // 2).view(SIDE, 2, SIDE, 2).permute(0, 2, 1, 3)
    quarter = quarter.reshape(SIDE * SIDE, 4)
    whole = _nearest_thing(boxes, CELL).flatten()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2  # [N, 2] x, y
    cells = (middles[:, 1] // CELL * SIDE + middles[:, 0] // CELL).long()
    centers = torch.bincount(cells, minlength=SIDE * SIDE).clamp(max=CENTERS - 1)
    nearest = boxes[(whole - 1).clamp(min=0)]  # [T, 4]
    written = (nearest * scale).round().long().clamp(max=10**digits - 1)
    powers = 10 ** torch.arange(digits - 1, -1, -1)
    digit_targets = written[..., None] // powers % 10
    digit_targets[whole == 0] = NOTHING
    cell = torch.arange(SIDE * SIDE)
    rows, columns = cell // SIDE, cell % SIDE
    middle = torch.stack([columns, rows, columns, rows], 1) + 0.5
    offsets = (nearest / CELL - middle).masked_fill((whole == 0)[:, None], 0.0)
    return (
        *(shapes[quarter], colors[quarter], centers, rows, columns),
        *(ids.masked_fill(whole == 0, NOTHING) for ids in (shapes[whole], colors[whole])),
        *(offsets, digit_targets),
    )


def _nearest_thing(boxes: Tensor, cell: int) -> Tensor:
    """For each cell [S, S], 1 + the index of the nearest thing that overlaps it; 0 if none does."""
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
    """Linear heads on merged image features; `digits` digits per coordinate."""

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
        """The summed loss of the heads on ``features`` [B, T, width], and their accuracies."""
        loss = features.new_zeros(())
        figures: dict[str, float] = {}
        for name, reader in self.readers.items():
            output, target = reader(features), getattr(targets, name)
            if name == "boxes":
                valid = targets.shapes != NOTHING
                loss = loss + functional.smooth_l1_loss(output[valid], target[valid], beta=0.1)
                figures["box_pixels"] = (output - target)[valid].abs().mean().item() * CELL
                continue
            output = output.unflatten(-1, (target[0, 0].numel(), -1)).flatten(0, 2)
            target, weight = target.flatten(), None
            if name.startswith("quarter"):
                weight = torch.ones(output.shape[-1])
                weight[0] = GROUND_WEIGHT
            loss = loss + functional.cross_entropy(output, target, weight, ignore_index=NOTHING)
            valid = target > 0 if weight is not None else target != NOTHING
            figures[name] = (output.argmax(-1) == target)[valid].float().mean().item()
        return loss, figures
