"""A reasoning chain as one picture: the image with numbered boxes, beside it the text.

Numbers and colours are those of the pages (``chains.py``). The letters are Inter's, which has those
of European languages alone.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from grit.figures.markup import legible
from grit.pages.chains import PALETTE, VIEW, Chain, Frame, Mark

_FONTS = Path(__file__).parent.parent / "figures" / "fonts"
_SIDE = 480  # pixels of the image's longest side
_TEXT_WIDTH, _MARGIN, _GAP = 600, 24, 28
_SIZE, _LINE = 17, 27  # of the text in pixels, and from one line to the next
_INK, _SOFT, _PAPER = "#1d1c1a", "#857f75", "#ffffff"
_TINT = 0.14  # share of a box's colour in the ground of its words
_PAD = 5
_ZOOM = _SIDE / VIEW  # of the overlay's unit


class _Word(NamedTuple):
    """A piece of text that is not broken; a box with its number, or plain."""

    text: str
    color: str
    number: int = 0


def chain_picture(
    image: Image.Image, question: str, chain: Chain, answer: str | None
) -> Image.Image:
    """Draw a chain.

    Args:
        image: as it was asked about, of any size: it is scaled to 480 pixels, tiny ones without
            smoothing.
        question: stands above the text.
        chain: its boxes are drawn on the image.
        answer: stands below the text.

    Returns:
        An RGB picture of 1,156 pixels, as high as image or text needs.
    """
    view = _with_boxes(_scaled(image), chain.marks)
    blocks = [list(_words(question, _INK)), list(_chain_words(chain))]
    fonts = [_font(_SIZE, bold=True), _font(_SIZE)]
    lines = [_broken(words, font) for words, font in zip(blocks, fonts, strict=True)]
    rows = sum(map(len, lines)) + 2  # one between question and chain, and one for the answer
    height = max(view.height, rows * _LINE + 10) + 2 * _MARGIN
    canvas = Image.new("RGB", (2 * _MARGIN + _SIDE + _GAP + _TEXT_WIDTH, height), _PAPER)
    canvas.paste(view, (_MARGIN, _MARGIN))
    pen, left, top = ImageDraw.Draw(canvas), _MARGIN + _SIDE + _GAP, _MARGIN
    for block, font in zip(lines, fonts, strict=True):
        for line in block:
            _draw_line(pen, left, top, line, font)
            top += _LINE
        top += 5
    last = "no answer" if answer is None else f"answer: {answer}"
    pen.text((left, top + 5), _clipped(legible(last), fonts[0]), fill=_INK, font=fonts[0])
    return canvas


def _scaled(image: Image.Image) -> Image.Image:
    factor = _SIDE / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    smooth = Image.Resampling.NEAREST if factor > 2 else Image.Resampling.LANCZOS
    return image.convert("RGB").resize((width, height), smooth)


def _with_boxes(view: Image.Image, marks: Sequence[Mark]) -> Image.Image:
    pen, font = ImageDraw.Draw(view), _font(22, bold=True)
    for mark in marks:
        corners = _corners(mark.frame)
        pen.rectangle(_grown(corners, 2), outline="white", width=7)
        pen.rectangle(corners, outline=_color(mark.number), width=3)
    for mark in marks:  # after all outlines, so that none of them crosses a number
        corners = _corners(mark.plate)
        pen.rectangle(corners, fill=_color(mark.number), outline="white", width=2)
        middle = (corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2
        pen.text(middle, str(mark.number), fill="white", font=font, anchor="mm")
    return view


def _corners(frame: Frame) -> tuple[int, int, int, int]:
    x1, y1 = round(frame.x * _ZOOM), round(frame.y * _ZOOM)
    x2, y2 = round((frame.x + frame.width) * _ZOOM), round((frame.y + frame.height) * _ZOOM)
    return x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)


def _grown(corners: tuple[int, int, int, int], by: int) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = corners
    return x1 - by, y1 - by, x2 + by, y2 + by


def _chain_words(chain: Chain) -> Iterator[_Word]:
    for piece in chain.pieces:
        if piece.kind == "box":
            yield _Word(piece.text, _color(piece.number), piece.number)
        else:
            yield from _words(piece.text, _SOFT if piece.kind == "tag" else _INK)


def _words(text: str, color: str) -> Iterator[_Word]:
    """Words and line breaks; a blank before a word belongs to it."""
    for number, line in enumerate(legible(text).split("\n")):
        if number:
            yield _Word("\n", color)
        start = " " if line.startswith(" ") else ""
        for word in line.split():
            yield _Word(start + word, color)
            start = " "
        if line.strip() and line.endswith(" "):
            yield _Word(" ", color)


def _broken(words: Sequence[_Word], font: ImageFont.FreeTypeFont) -> list[list[_Word]]:
    """Words in lines of at most ``_TEXT_WIDTH`` pixels; a longer word is broken."""
    lines: list[list[_Word]] = [[]]
    x = 0.0
    for word in words:
        if word.text == "\n":
            lines.append([])
            x = 0.0
            continue
        width = _width(word, font)
        if x and x + width > _TEXT_WIDTH:
            lines.append([])
            x, word = 0.0, word._replace(text=word.text.lstrip(" "))
            width = _width(word, font)
        while width > _TEXT_WIDTH:
            cut = max(1, int(len(word.text) * _TEXT_WIDTH / width) - 1)
            lines[-1].append(word._replace(text=word.text[:cut]))
            lines.append([])
            word = word._replace(text=word.text[cut:])
            width = _width(word, font)
        lines[-1].append(word)
        x += width
    return lines


def _width(word: _Word, font: ImageFont.FreeTypeFont) -> float:
    chip = font.getlength(str(word.number)) + 4 * _PAD if word.number else 0.0
    return font.getlength(word.text) + chip


def _draw_line(
    pen: ImageDraw.ImageDraw,
    x: float,
    top: int,
    words: Sequence[_Word],
    font: ImageFont.FreeTypeFont,
) -> None:
    for word in words:
        width, base = _width(word, font), top + _LINE - 8
        if word.number:
            plate = font.getlength(str(word.number)) + 2 * _PAD
            low, high = top + 2, top + _LINE - 2
            pen.rounded_rectangle((x, low, x + width, high), 4, fill=_tinted(word.color))
            pen.rounded_rectangle((x, low, x + plate, high), 4, fill=word.color)
            pen.text((x + _PAD, base), str(word.number), fill="white", font=font, anchor="ls")
            pen.text((x + plate + _PAD, base), word.text, fill=_INK, font=font, anchor="ls")
        else:
            pen.text((x, base), word.text, fill=word.color, font=font, anchor="ls")
        x += width


def _clipped(text: str, font: ImageFont.FreeTypeFont) -> str:
    text = " ".join(text.split())
    if font.getlength(text) <= _TEXT_WIDTH:
        return text
    while font.getlength(text + "…") > _TEXT_WIDTH:
        text = text[: int(len(text) * 0.9)]
    return text + "…"


def _color(number: int) -> str:
    return PALETTE[(number - 1) % len(PALETTE)]


def _tinted(color: str) -> tuple[int, ...]:
    shades = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return tuple(round(255 - (255 - shade) * _TINT) for shade in shades)


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONTS / f"Inter-{'SemiBold' if bold else 'Regular'}.otf", size)
