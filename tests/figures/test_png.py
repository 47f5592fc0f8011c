"""PNG files do not depend on the machine: neither on its fonts nor on its colour scheme."""

import io

from PIL import Image

from grit.figures.chart import Chart, Panel, Series, points_of
from grit.figures.png import FONTS, png_bytes
from grit.figures.svg import chart_svg

CHART = Chart("Title", "note", (Panel("p", (Series("a", points_of((1.0, 2.0))),)),), "y")


def picture(svg: str) -> Image.Image:
    return Image.open(io.BytesIO(png_bytes(svg))).convert("RGB")


def test_the_same_drawing_gives_the_same_bytes() -> None:
    assert png_bytes(chart_svg(CHART)) == png_bytes(chart_svg(CHART))


def test_it_is_the_chart_on_light_ground_at_twice_its_size() -> None:
    drawn = picture(chart_svg(CHART))
    assert drawn.size == (1280, 624)
    colors = {color for _, color in drawn.getcolors(1 << 20) or ()}
    assert drawn.getpixel((1200, 10)) == (0xFB, 0xFA, 0xF8)  # the page
    assert (0x1F, 0x5F, 0xBF) in colors  # the line
    assert (0x14, 0x15, 0x17) not in colors  # the page on dark ground


def test_text_is_drawn_with_the_fonts_of_the_package() -> None:
    def drawn(text: str) -> bytes:
        size = 'xmlns="http://www.w3.org/2000/svg" width="60" height="20"'
        return png_bytes(f'<svg {size}><text y="15">{text}</text></svg>')

    letters = [drawn(text) for text in ("", "Grün", "−1 ± 2", "漢")]
    assert letters[1] != letters[0] != letters[2]
    assert letters[3] == letters[0]  # no font of the machine stands in
    assert (FONTS / "OFL.txt").is_file()


def test_any_text_can_be_drawn() -> None:
    hostile = "<&>\" ' \x00\x0b\ud800\u202e\uffff 漢 {{ 7 * 7 }}"
    assert picture(chart_svg(Chart(hostile, hostile, (), hostile))).size == (1280, 124)
