"""Backgrounds of scenes: plain or textured, in pale colours that no thing has."""

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image

from grit.data.shapes.things import RGB

GROUNDS = ("plain", "gradient", "stripes", "dots", "noise")
TINTS: tuple[RGB, ...] = (
    (244, 244, 242),
    (214, 216, 220),
    (186, 188, 192),
    (232, 218, 200),
    (206, 222, 204),
    (204, 216, 234),
    (234, 208, 216),
    (216, 206, 228),
)


@dataclass(frozen=True)
class Ground:
    """A background in two tints; `seed` shifts its stripes and dots and draws its noise."""

    texture: str  # one of GROUNDS
    first: RGB
    second: RGB
    seed: int

    @classmethod
    def drawn(cls, rng: Random, textures: tuple[str, ...]) -> "Ground":
        """A random ground with one of `textures`."""
        first, second = rng.sample(TINTS, 2)
        return cls(rng.choice(textures), first, second, rng.randrange(2**16))

    def painted(self, width: int, height: int) -> Image.Image:
        """The background as an RGB image."""
        if self.texture == "plain":
            return Image.new("RGB", (width, height), self.first)
        weights = _weights(self.texture, self.seed, width, height)[..., None]
        tints = np.array(self.first, np.float32), np.array(self.second, np.float32)
        pixels = tints[0] + weights * (tints[1] - tints[0])
        return Image.fromarray(np.round(pixels).astype(np.uint8))


def _weights(texture: str, seed: int, width: int, height: int) -> np.ndarray:
    """The weight of the second tint in each pixel, [height, width] in 0-1."""
    down, across = np.ogrid[0:height, 0:width]
    horizontal, phase, pitch = seed % 2, seed // 2 % 16, 6 + seed // 32 % 5
    if texture == "gradient":
        ramp = down / (height - 1) if horizontal else across / (width - 1)
        return np.broadcast_to(ramp, (height, width)).astype(np.float32)
    if texture == "stripes":
        along = down if horizontal else across
        return np.broadcast_to((along + phase) // pitch % 2, (height, width)).astype(np.float32)
    if texture == "dots":
        x, y = (across + phase) % pitch - pitch // 2, (down + phase) % pitch - pitch // 2
        return (x * x + y * y <= 3).astype(np.float32)
    if texture == "noise":
        return np.random.default_rng(seed).random((height, width), dtype=np.float32)
    raise ValueError(f"no ground has the texture {texture!r}: choose from {GROUNDS}")
