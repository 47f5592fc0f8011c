"""Qwen3-VL: coordinates from 0 to 1000, and images that also enter the first layers (DeepStack).

Its vision tower gives features of several depths. The last one takes the place of the image tokens;
the others are added to the hidden states behind the first layers of the language model, one each.
Here they travel together: the features of an image token are all depths side by side. Position ids
have three rows as in Qwen2.5-VL; that their frequencies are interleaved is the model's own matter.
"""

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.qwen import QwenAdapter
from grit.models.shared_rows import SharedRows


class Qwen3Adapter(QwenAdapter):
    """Adapter of ``Qwen3VLForConditionalGeneration``."""

    def _space(self, features: Any, image: Image.Image) -> Space:
        return NORMALIZED_1000

    def features_in(self, outputs: Any) -> list[Tensor]:
        """The features of each image, all depths side by side [T, (1 + depths) * H]."""
        depths = zip(outputs.pooler_output, *outputs.deepstack_features, strict=True)
        return [torch.cat(image, dim=-1) for image in depths]

    def language_inputs(
        self, embeddings: Tensor, mask: Tensor | SharedRows, positions: Tensor, cache: Any = None
    ) -> dict[str, Any]:
        """As of every ``Adapter``; where there are images, with what enters the first layers."""
        width = self.plain.config.get_text_config().hidden_size
        first, *later = embeddings.split(width, dim=-1)
        inputs = super().language_inputs(first, mask, positions, cache)
        if later:
            # Text has zeros, to which nothing has to be added.
            is_image = torch.stack([depth.ne(0).any(-1) for depth in later]).any(0)  # [B, L]
            inputs["visual_pos_masks"] = is_image
            inputs["deepstack_visual_embeds"] = [depth[is_image] for depth in later]
        return inputs
