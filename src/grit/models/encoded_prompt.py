"""A prompt as a model takes it.

Shapes: P prompt tokens, R position rows (3 for M-RoPE, else 1).
"""

from dataclasses import dataclass, field

from PIL import Image
from torch import Tensor

from grit.grounding.boxes import Space


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt with its image as model inputs, on the CPU."""

    id: str
    picture: str  # key of the image's content
    input_ids: Tensor  # [P], image placeholders expanded
    positions: Tensor  # [R, P]
    vision: dict[str, Tensor]  # inputs of the vision tower
    space: Space  # the coordinate space of the boxes that the model writes about this image
    image: Image.Image = field(repr=False, compare=False)  # as given, for engines elsewhere

    @property
    def nbytes(self) -> int:
        """Bytes of its inputs of the vision tower and of the decoded image."""
        width, height = self.image.size
        return sum(values.nbytes for values in self.vision.values()) + 4 * width * height

    @property
    def next_position(self) -> int:
        """The position of the first token after the prompt, the same in every position row."""
        return int(self.positions.max()) + 1
