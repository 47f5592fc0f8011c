"""GLM-4.1V: coordinates from 0 to 1000 between box tokens, three rows of position ids (M-RoPE).

Its parts have the names of Qwen2.5-VL's, whose adapter serves it but for tokens and coordinates.
"""

from collections.abc import Sequence
from typing import Any

from PIL import Image

from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.qwen import QwenAdapter

AROUND = ["<|begin_of_box|>", "<|end_of_box|>"]


class Glm4vAdapter(QwenAdapter):
    """Adapter of ``Glm4vForConditionalGeneration``."""

    example_style = "glm"
    placeholders = (
        *("<|image|>", "<|begin_of_image|>", "<|end_of_image|>"),
        *("<|video|>", "<|begin_of_video|>", "<|end_of_video|>"),
    )

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text without the tokens around boxes and answers, as if they were special ones."""
        around = self.tokenizer.convert_tokens_to_ids(AROUND)
        return super().decode([each for each in token_ids if each not in around])

    def _space(self, features: Any, image: Image.Image) -> Space:
        return NORMALIZED_1000
