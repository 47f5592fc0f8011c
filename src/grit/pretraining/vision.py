"""The first stage: training the vision tower with dense heads on its merged tokens.

Where features of several depths enter the language model, each depth has heads of its own: they
all have to say what stands where.
"""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor, nn

from grit.data.shapes.scenes import Scene, scene_for
from grit.grounding.boxes import Space
from grit.models.adapter import Adapter
from grit.models.internvl import InternVLAdapter
from grit.models.tiny_families import SCENE, WIDTH
from grit.pretraining.heads import DenseHeads, targets_for
from grit.pretraining.optimizers import optimizers_for

BATCH = 32  # images per step
HELD_OUT = 256  # scenes
MATRIX_RATE, OTHER_RATE = 5e-3, 3e-3


class VisionStage:
    """Trains the vision tower and its projector.

    Args:
        adapter: the model.
        seed: of the heads and the scenes.
        steps: of the stage.
        space: of the boxes that the model writes about a scene.
    """

    name = "vision"
    shown: tuple[str, ...] = ("shapes", "box_pixels")

    def __init__(self, adapter: Adapter, seed: int, steps: int, space: Space) -> None:
        self.adapter, self.seed, self.steps = adapter, seed, steps
        self.scale, self.digits = space.width / SCENE, len(str(space.width - 1))
        with torch.no_grad():
            depths = image_features(adapter, [scene_for("dev", seed, "vision", 0).load()])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = nn.ModuleList(
                DenseHeads(WIDTH, self.digits) for _ in range(depths.shape[-1] // WIDTH)
            )
        modules = adapter.vision_modules
        self.trained: nn.Module = nn.ModuleList([*modules, self.heads])
        self.optimizers = optimizers_for(modules, [self.heads], MATRIX_RATE, OTHER_RATE)

    def prepare(self) -> None:
        """Does nothing: every scene is used once."""

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of the heads, and their accuracies, on new scenes."""
        scenes = [scene_for("pretrain", self.seed, "vision", step, i) for i in range(BATCH)]
        return self._loss(scenes)

    def quality(self) -> dict[str, float]:
        """The accuracies of the heads on scenes of the dev split."""
        scenes = [scene_for("dev", self.seed, "vision", i) for i in range(HELD_OUT)]
        with torch.no_grad():
            return self._loss(scenes)[1]

    def _loss(self, scenes: Sequence[Scene]) -> tuple[Tensor, dict[str, float]]:
        features = image_features(self.adapter, [scene.load() for scene in scenes])
        targets = targets_for(scenes, self.scale, self.digits)
        total, figures = features.new_zeros(()), dict[str, float]()
        for depth, (heads, part) in enumerate(
            zip(self.heads, features.split(WIDTH, dim=-1), strict=True)
        ):
            loss, shares = heads(part, targets)
            total = total + loss
            figures |= {f"{name}_{depth}" if depth else name: n for name, n in shares.items()}
        return total, figures


def image_features(adapter: Adapter, images: Sequence[Image.Image]) -> Tensor:
    """Merged features of scenes of equal size, [B, 36, F]."""
    options = {"crop_to_patches": False} if isinstance(adapter, InternVLAdapter) else {}
    pixels = adapter.processor.image_processor(list(images), return_tensors="pt", **options)
    pixels.pop("num_patches", None)
    outputs = adapter.plain.model.get_image_features(**pixels, return_dict=True)
    return torch.stack(adapter.features_in(outputs))


def cached_features(adapter: Adapter, scenes: Sequence[Scene]) -> Tensor:
    """Features of many scenes from the frozen vision tower, [N, 36, F], in half precision."""
    batches = []
    with torch.no_grad():
        for start in range(0, len(scenes), 64):
            images = [scene.load() for scene in scenes[start : start + 64]]
            batches.append(image_features(adapter, images).half())
    return torch.cat(batches)
