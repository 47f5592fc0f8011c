"""InternVL: tiles of the image, coordinates in thousandths of it, ordinary position ids."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.adapter import Adapter, EncodedPrompt


class InternVLAdapter(Adapter):
    """Adapter of ``InternVLForConditionalGeneration``."""

    example_style = "internvl"
    position_rows = 1

    @property
    def vision_modules(self) -> list[nn.Module]:
        """The vision tower and the projector into the language model."""
        return [self.plain.model.vision_tower, self.plain.model.multi_modal_projector]

    @property
    def image_id(self) -> int:
        """``<IMG_CONTEXT>``."""
        return self.plain.config.image_token_id

    @property
    def placeholder_ids(self) -> set[int]:
        """Image context, the tokens around it, and video."""
        video = self.tokenizer.get_vocab().get(self.processor.video_token)
        return {*self.processor.image_token_ids, *([] if video is None else [video])}

    def _positions(self, features: Any) -> Tensor:
        return torch.arange(features["input_ids"].shape[1]).unsqueeze(0)

    def _vision_inputs(self, features: Any) -> dict[str, Tensor]:
        return {"pixel_values": features["pixel_values"]}

    def _space(self, features: Any, image: Image.Image) -> Space:
        return NORMALIZED_1000

    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """One pass of the vision tower over all tiles; a tensor [T, H] for each prompt's image."""
        tiles = [len(prompt.vision["pixel_values"]) for prompt in prompts]
        pixels = torch.cat([prompt.vision["pixel_values"] for prompt in prompts])
        outputs = self.plain.model.get_image_features(pixels.to(self.device), return_dict=True)
        return [part.flatten(0, 1) for part in outputs.pooler_output.split(tiles)]
