"""Qwen2.5-VL: coordinates in pixels of the resized image, three rows of position ids (M-RoPE)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from grit.grounding.box_lists import BoxStyle
from grit.grounding.boxes import Space
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.processors import EDGES


class QwenAdapter(Adapter):
    """Adapter of ``Qwen2_5_VLForConditionalGeneration``."""

    example_style: BoxStyle = "json"
    position_rows = 3
    image_settings = tuple(EDGES)
    placeholders: tuple[str, ...] = (
        *("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"),
        "<|vision_pad|>",
    )

    @property
    def vision_modules(self) -> list[nn.Module]:
        """The vision transformer, which includes the patch merger."""
        return [self.plain.model.visual]

    @property
    def image_id(self) -> int:
        """The token that stands for a feature of an image."""
        return self.plain.config.image_token_id

    @cached_property
    def placeholder_ids(self) -> frozenset[int]:
        """Images and videos, and the tokens around them."""
        vocabulary = self.tokenizer.get_vocab()
        known = {vocabulary[name] for name in self.placeholders if name in vocabulary}
        return frozenset(known | {self.image_id})

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
        _, rows, columns = features["image_grid_thw"][0].tolist()
        patch = self.processor.image_processor.patch_size
        return Space("resized", columns * patch, rows * patch)

    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image features [T, F] of each prompt, in one pass over all images."""
        pixels = torch.cat([prompt.vision["pixel_values"] for prompt in prompts])
        grids = torch.cat([prompt.vision["image_grid_thw"] for prompt in prompts])
        outputs = self.plain.model.get_image_features(
            pixels.to(self.device), grids.to(self.device), return_dict=True
        )
        return self.features_in(outputs)

    def on_picture(self, prompt: EncodedPrompt, values: Tensor) -> Tensor:
        """Values [T] on the picture [rows, columns]: a token is a square of merged patches."""
        _, rows, columns = prompt.vision["image_grid_thw"][0].tolist()
        merge = self.processor.image_processor.merge_size
        return values.reshape(rows // merge, columns // merge)
