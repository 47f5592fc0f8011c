"""The things that scenes show: shapes, colours, sizes, silhouettes and exact boxes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

from PIL import Image, ImageDraw

from grit.grounding.boxes import Corners

RGB = tuple[int, int, int]

COLORS: dict[str, RGB] = {
    "red": (222, 26, 34),
    "orange": (255, 136, 0),
    "yellow": (252, 224, 20),
    "green": (22, 148, 52),
    "cyan": (0, 200, 224),
    "blue": (26, 60, 214),
    "purple": (146, 40, 190),
    "black": (12, 12, 16),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "diamond", "ring", "heart")
PLURALS = {"cross": "crosses"}
SIZES: dict[str, tuple[int, int]] = {"small": (11, 13), "large": (19, 24)}
"""Smallest and largest side of a thing, in pixels of a scene whose shorter side is 96."""

SUPERSAMPLING = 4


@dataclass(frozen=True)
class Thing:
    """A shape of one colour and size in a scene, with its exact box."""

    shape: str
    color: str
    size: str  # "small" or "large"
    box: Corners  # in pixels of the scene; x2 and y2 are the first pixel outside

    @property
    def name(self) -> str:
        """Its label: "red circle"."""
        return f"{self.color} {self.shape}"

    @property
    def center(self) -> tuple[float, float]:
        """The middle of its box, in pixels."""
        x1, y1, x2, y2 = self.box
        return (x1 + x2) / 2, (y1 + y2) / 2


def plural(shape: str) -> str:
    """The plural of a shape's name, or of "thing"."""
    return PLURALS.get(shape, f"{shape}s")


@lru_cache(maxsize=4096)
def silhouette(shape: str, side: int) -> Image.Image:
    """The antialiased mask of a shape: an image of mode "L" and `side` x `side` pixels.

    Every shape touches all four sides of the mask, which therefore is its exact box.
    """
    fine = side * SUPERSAMPLING
    mask = Image.new("L", (fine, fine), 0)
    OUTLINES[shape](ImageDraw.Draw(mask), fine - 1)
    return mask.resize((side, side), Image.Resampling.BOX)


def _polygon(*corners: tuple[float, float]) -> Callable[[ImageDraw.ImageDraw, int], None]:
    """A function that draws a filled polygon; its corners are fractions of the side."""

    def draw(canvas: ImageDraw.ImageDraw, side: int) -> None:
        canvas.polygon([(x * side, y * side) for x, y in corners], fill=255)

    return draw


def _circle(canvas: ImageDraw.ImageDraw, side: int) -> None:
    canvas.ellipse((0, 0, side, side), fill=255)


def _ring(canvas: ImageDraw.ImageDraw, side: int) -> None:
    inset = 0.28 * side
    canvas.ellipse((0, 0, side, side), fill=255)
    canvas.ellipse((inset, inset, side - inset, side - inset), fill=0)


def _cross(canvas: ImageDraw.ImageDraw, side: int) -> None:
    near, far = 0.33 * side, 0.67 * side
    canvas.rectangle((0, near, side, far), fill=255)
    canvas.rectangle((near, 0, far, side), fill=255)


def _heart(canvas: ImageDraw.ImageDraw, side: int) -> None:
    canvas.ellipse((0, 0, 0.54 * side, 0.54 * side), fill=255)
    canvas.ellipse((0.46 * side, 0, side, 0.54 * side), fill=255)
    canvas.polygon(
        [(0.05 * side, 0.42 * side), (0.95 * side, 0.42 * side), (0.5 * side, side)], fill=255
    )


def _star_corners(points: int, inner: float) -> list[tuple[float, float]]:
    """Corners of a star that touches all four sides of the unit square."""
    around = [
        (radius * sin(turn * pi / points), -radius * cos(turn * pi / points))
        for turn in range(2 * points)
        for radius in [1.0 if turn % 2 == 0 else inner]
    ]
    left, top = min(x for x, _ in around), min(y for _, y in around)
    right, bottom = max(x for x, _ in around), max(y for _, y in around)
    return [((x - left) / (right - left), (y - top) / (bottom - top)) for x, y in around]


OUTLINES: dict[str, Callable[[ImageDraw.ImageDraw, int], None]] = {
    "circle": _circle,
    "square": _polygon((0, 0), (1, 0), (1, 1), (0, 1)),
    "triangle": _polygon((0.5, 0), (1, 1), (0, 1)),
    "star": _polygon(*_star_corners(5, 0.42)),
    "cross": _cross,
    "diamond": _polygon((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
    "ring": _ring,
    "heart": _heart,
}
"""Functions that draw each shape on a square canvas, given the canvas and its last pixel."""
