"""Drawing boxes on an image, legible on any background and at any size."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from grit.grounding.boxes import Box, Corners, Space

_COLOR = "#ff3b30"
_RIM = "white"  # on both sides of a line, and of the numbers


def draw_boxes(image: Image.Image, boxes: Sequence[Box], numbered: bool = True) -> Image.Image:
    """A copy of ``image`` (RGB) with each box outlined, and numbered from 1 in the order given.

    Boxes may be in any space of this image; they are converted to its pixels and clipped. A box
    without area is not drawn, but still takes a number. Line width and font size scale with the
    image.
    """
    canvas = image.convert("RGB").copy()
    space = Space("original", *canvas.size)
    pen = ImageDraw.Draw(canvas)
    line = max(1, round(max(canvas.size) / 250))
    rim = max(1, line // 2)
    font = ImageFont.load_default(size=max(9, round(max(canvas.size) / 35)))
    clipped = [(number, box.to(space).tidied()) for number, box in enumerate(boxes, start=1)]
    visible = [(str(number), _pixels(box)) for number, box in clipped if box]
    for _, (x1, y1, x2, y2) in visible:
        outer = (x1 - rim, y1 - rim, x2 + rim, y2 + rim)
        pen.rectangle(outer, outline=_RIM, width=line + 2 * rim)
    for _, corners in visible:  # after all rims, so that none of them crosses a line
        pen.rectangle(corners, outline=_COLOR, width=line)
    for label, corners in visible if numbered else ():
        _draw_label(pen, corners, label, font, canvas.size)
    return canvas


def _pixels(box: Box) -> Corners:
    """The first and the last pixel that a tidied box covers, in each direction."""
    x1, y1 = int(box.x1), int(box.y1)
    return x1, y1, max(x1, round(box.x2) - 1), max(y1, round(box.y2) - 1)


def _draw_label(
    pen: ImageDraw.ImageDraw,
    corners: Corners,
    label: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    size: tuple[int, int],
) -> None:
    """Draw the number on a filled rectangle at the box's upper left corner, above it if it fits."""
    left, top, right, bottom = pen.textbbox((0, 0), label, font=font)
    pad = max(1, round((bottom - top) / 5))
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = max(0, min(corners[0], round(size[0] - width)))
    y = corners[1] - height if corners[1] >= height else corners[1]
    y = max(0, min(y, size[1] - height))
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=_COLOR)
    pen.text((x + pad - left, y + pad - top), label, fill=_RIM, font=font)
