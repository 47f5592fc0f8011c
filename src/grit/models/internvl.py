"""InternVL: image tiles, coordinates from 0 to 1000, one row of position ids."""

from collections.abc import Sequence
from functools import cached_property
from math import isqrt
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers.models.got_ocr2.image_processing_got_ocr2 import get_optimal_tiled_canvas

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.processors import TILES

SYSTEM_MESSAGE = (
    "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的"
    "多模态大语言模型。"
)
"""From the conversation template ``internvl2_5`` in InternVL's original repository."""


class InternVLAdapter(Adapter):
    """Adapter of ``InternVLForConditionalGeneration``."""

    example_style = "internvl"
    position_rows = 1
    image_settings = TILES

    @property
    def vision_modules(self) -> list[nn.Module]:
        """The vision tower and the projector into the language model."""
        return [self.plain.model.vision_tower, self.plain.model.multi_modal_projector]

    @property
    def image_id(self) -> int:
        """``<IMG_CONTEXT>``."""
        return self.plain.config.image_token_id

    @cached_property
    def placeholder_ids(self) -> frozenset[int]:
        """Image context, the tokens around it, and video."""
        video = self.tokenizer.get_vocab().get(self.processor.video_token)
        return frozenset([*self.processor.image_token_ids, *([] if video is None else [video])])

    def released(self, text: str) -> str:
        """The prompt with the original system message and without the assistant's header.

        GRIT's released code (``GRPO_GRTrainer.multi_modal_get_item``) ends the prompt after the
        user's turn, so that the model has to write the header of its own turn.
        """
        system = f"<|im_start|>system\n{SYSTEM_MESSAGE}<|im_end|>\n"
        return f"{system}<|im_start|>user\n{self.processor.image_token}\n{text}<|im_end|>\n"

    def _positions(self, features: Any) -> Tensor:
        return torch.arange(features["input_ids"].shape[1]).unsqueeze(0)

    def _vision_inputs(self, features: Any) -> dict[str, Tensor]:
        return {"pixel_values": features["pixel_values"]}

    def _space(self, features: Any, image: Image.Image) -> Space:
        return NORMALIZED_1000

    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image features [T, H] of each prompt, in one pass over all tiles."""
        tiles = [len(prompt.vision["pixel_values"]) for prompt in prompts]
        pixels = torch.cat([prompt.vision["pixel_values"] for prompt in prompts])
        outputs = self.plain.model.get_image_features(pixels.to(self.device), return_dict=True)
        return [part.flatten(0, 1) for part in outputs.pooler_output.split(tiles)]

    def on_picture(self, prompt: EncodedPrompt, values: Tensor) -> Tensor:
        """Values [T] on the picture [rows, columns]: tiles side by side, the thumbnail over all."""
        count = len(prompt.vision["pixel_values"])
        side = isqrt(len(values) // count)
        tiles = values.reshape(count, side, side)
        if count == 1:
            return tiles[0]
        images = self.processor.image_processor
        columns, rows = get_optimal_tiled_canvas(
            (prompt.image.height, prompt.image.width),
            (images.size["height"], images.size["width"]),
            images.min_patches,
            images.max_patches,
        )
        *parts, thumbnail = tiles.split(1)
        lines = [torch.cat(parts[row * columns :][:columns], -1)[0] for row in range(rows)]
        spread = thumbnail[0].repeat_interleave(rows, 0).repeat_interleave(columns, 1)
        return torch.cat(lines) + spread / (rows * columns)
