"""First stage: the vision part learns to see, with dense heads on its merged tokens."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from grit.data.shapes.scenes import Scene, scene_for
from grit.models.tiny import IMAGE_TOKENS, WIDTH
from grit.pretraining.heads import DenseHeads, targets_for
from grit.pretraining.optimizers import optimizers_for

BATCH = 32  # images a step
HELD_OUT = 256  # scenes
MATRIX_RATE, OTHER_RATE = 5e-3, 3e-3


class VisionStage:
    """Trains the vision part alone; ``scale`` is what a pixel is when the model writes it."""

    name = "vision"
    shown: tuple[str, ...] = ("shapes", "box_pixels")

    def __init__(
        self,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        seed: int,
        steps: int,
        scale: float,
        digits: int,
    ) -> None:
        self.model, self.processor, self.seed, self.steps = model, processor, seed, steps
        self.scale, self.digits = scale, digits
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = DenseHeads(WIDTH, digits)
        parts = vision_parts(model)
        self.trained: nn.Module = nn.ModuleList([*parts, self.heads])
        self.optimizers = optimizers_for(parts, [self.heads], MATRIX_RATE, OTHER_RATE)

    def prepare(self) -> None:
        """Nothing is cached: every scene is drawn once."""

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Dense losses on fresh scenes."""
        scenes = [scene_for("pretrain", self.seed, "vision", step, i) for i in range(BATCH)]
        return self._judged(scenes)

    def quality(self) -> dict[str, float]:
        """How right the heads are on scenes of the dev split."""
        scenes = [scene_for("dev", self.seed, "vision", i) for i in range(HELD_OUT)]
        with torch.no_grad():
            return self._judged(scenes)[1]

    def _judged(self, scenes: Sequence[Scene]) -> tuple[Tensor, dict[str, float]]:
        features = image_features(self.model, self.processor, [scene.load() for scene in scenes])
        return self.heads(features, targets_for(scenes, self.scale, self.digits))


def vision_parts(model: PreTrainedModel) -> list[nn.Module]:
    """The modules between pixels and the features that the language part reads."""
    names = ("visual", "vision_tower", "multi_modal_projector")
    return [getattr(model.model, name) for name in names if hasattr(model.model, name)]


def image_features(
    model: PreTrainedModel, processor: ProcessorMixin, images: Sequence[Image.Image]
) -> Tensor:
    """Merged features of scenes of one size, [B, 36, width]."""
    options = {} if "Qwen" in type(processor).__name__ else {"crop_to_patches": False}
    pixels = processor.image_processor(list(images), return_tensors="pt", **options)
    pixels.pop("num_patches", None)
    found = model.model.get_image_features(**pixels, return_dict=True).pooler_output
    features = torch.cat(list(found)) if isinstance(found, tuple | list) else found
    return features.reshape(len(images), IMAGE_TOKENS, WIDTH)


def cached_features(
    model: PreTrainedModel, processor: ProcessorMixin, scenes: Sequence[Scene]
) -> Tensor:
    """Features of many scenes from the frozen vision part, [N, 36, width], in half precision."""
    parts = []
    with torch.no_grad():
        for at in range(0, len(scenes), 64):
            images = [scene.load() for scene in scenes[at : at + 64]]
            parts.append(image_features(model, processor, images).half())
    return torch.cat(parts)
