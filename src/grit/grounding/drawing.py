"""Boxes drawn on a picture, readable on any ground and at any size."""

from collections.abc import Sequence

from PIL import Image, ImageColor, ImageDraw, ImageFont

from grit.grounding.boxes import Box, Space


def draw_boxes(
    image: Image.Image, boxes: Sequence[Box], color: str = "#ff3b30", numbered: bool = True
) -> Image.Image:
    """A copy of ``image`` (RGB) with each box outlined, and numbered from 1 in the order given.

    Boxes may be in any space of this image; each is converted to the image's pixels and clipped.
    A box without area is not drawn and keeps its number. Lines and figures grow with the image.
    """
    canvas = image.convert("RGB").copy()
    space = Space("original", *canvas.size)
    pen = ImageDraw.Draw(canvas)
    line = max(1, round(max(canvas.size) / 250))
    font = ImageFont.load_default(size=max(9, round(max(canvas.size) / 35)))
    visible = [(number, box.to(space).tidied()) for number, box in enumerate(boxes, start=1)]
    drawn = [(str(number), _pixels(box)) for number, box in visible if box]
    rim = max(1, line // 2)  # of the opposite brightness, on both sides of the line
    for _, corners in drawn:
        _outline(pen, corners, rim, line + 2 * rim, _opposite(color))
    for _, corners in drawn:  # after all rims, so that none of them crosses a line
        _outline(pen, corners, 0, line, color)
    for label, corners in drawn if numbered else ():
        _label(pen, corners, label, color, font, canvas.size)
    return canvas


def _pixels(box: Box) -> tuple[int, int, int, int]:
    """First and last pixel that a tidied box covers, in each direction."""
    x1, y1 = int(box.x1), int(box.y1)
    return x1, y1, max(x1, round(box.x2) - 1), max(y1, round(box.y2) - 1)


def _outline(
    pen: ImageDraw.ImageDraw, corners: tuple[int, int, int, int], grow: int, width: int, paint: str
) -> None:
    x1, y1, x2, y2 = corners
    pen.rectangle((x1 - grow, y1 - grow, x2 + grow, y2 + grow), outline=paint, width=width)


def _label(
    pen: ImageDraw.ImageDraw,
    corners: tuple[int, int, int, int],
    label: str,
    color: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    size: tuple[int, int],
) -> None:
    """The number on a plate at the box's upper left corner: above it where there is room."""
    left, top, right, bottom = pen.textbbox((0, 0), label, font=font)
    pad = max(1, round((bottom - top) / 5))
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = max(0, min(corners[0], round(size[0] - width)))
    y = corners[1] - height if corners[1] >= height else corners[1]
    y = max(0, min(y, size[1] - height))
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    pen.text((x + pad - left, y + pad - top), label, fill=_opposite(color), font=font)


def _opposite(color: str) -> str:
    """Black on bright colours, white on dark ones (luma of ITU-R BT.601)."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 127 else "white"
