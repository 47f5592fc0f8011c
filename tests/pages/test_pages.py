"""The style: every text can be read on every ground, in light and in dark."""

import re
from itertools import product
from pathlib import Path

import pytest

from grit.pages import pages
from grit.pages.chains import PALETTE

STYLE = (Path(pages.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
TEXTS = ("ink", "soft", "faint", "now", "good", "bad", "warn")
GROUNDS = ("page", "card")
LINES = ("was", "now", "r1", "r2")


def palette(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))


LIGHT, DARK = (palette(block) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL))


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2."""
    values = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), list(product(TEXTS, GROUNDS)))
def test_text_can_be_read(colors, text, ground) -> None:
    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("line", LINES)
def test_lines_can_be_seen_on_their_track(colors, line) -> None:
    assert contrast(colors[line], colors["sunk"]) >= 3


def test_white_numbers_can_be_read_on_their_plates() -> None:
    assert len(set(PALETTE)) == len(PALETTE) == 8
    assert min(contrast(plate, "#ffffff") for plate in PALETTE) >= 4.5
