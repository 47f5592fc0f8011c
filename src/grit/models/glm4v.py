"""GLM-4.1V: coordinates from 0 to 1000 between box tokens, three rows of position ids (M-RoPE)."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.adapter import Adapter, EncodedPrompt

PLACEHOLDERS = (
    *("<|image|>", "<|begin_of_image|>", "<|end_of_image|>"),
    *("<|video|>", "<|begin_of_video|>", "<|end_of_video|>"),
)


class Glm4vAdapter(Adapter):
    """Adapter of ``Glm4vForConditionalGeneration``."""

    example_style = "glm"
    position_rows = 3

    @property
    def vision_modules(self) -> list[nn.Module]:
        """The vision transformer, which includes the patch merger."""
        return [self.plain.model.visual]

    @property
    def image_id(self) -> int:
        """``<|image|>``."""
        return self.plain.config.image_token_id

    @property
    def placeholder_ids(self) -> set[int]:
        """Images and videos, and the tokens around them."""
        vocabulary = self.tokenizer.get_vocab()
        return {vocabulary[name] for name in PLACEHOLDERS if name in vocabulary} | {self.image_id}

    def _positions(self, features: Any) -> Tensor:
        positions, _ = self.plain.model.get_rope_index(
            features["input_ids"],
            mm_token_type_ids=features["mm_token_type_ids"],
            image_grid_thw=features["image_grid_thw"],
        )
        return positions[:, 0]

    def _vision_inputs(self, features: Any) -> dict[str, Tensor]:
        return {name: features[name] for name in ("pixel_values", "image_grid_thw")}

    def _space(self, features: Any, image: Image.Image) -> Space:
        return NORMALIZED_1000

    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image features [T, H] of each prompt, in one pass over all images."""
        pixels = torch.cat([prompt.vision["pixel_values"] for prompt in prompts])
        grids = torch.cat([prompt.vision["image_grid_thw"] for prompt in prompts])
        outputs = self.plain.model.get_image_features(
            pixels.to(self.device), grids.to(self.device), return_dict=True
        )
        return self.features_in(outputs)
