"""An SVG as PNG: the same bytes on every machine, with fonts that the package brings along."""

from pathlib import Path

from resvg_py import svg_to_bytes

FONTS = Path(__file__).parent / "fonts"
_FAMILY = "Inter"
_ZOOM = 2.0  # pixels of one of the SVG's units


def png_bytes(svg: str) -> bytes:
    """The drawing on light ground.

    Letters that the shipped fonts do not have are left out, whatever fonts the machine has.
    """
    return svg_to_bytes(
        svg_string=svg,
        zoom=_ZOOM,
        skip_system_fonts=True,
        font_files=[str(path) for path in sorted(FONTS.glob("*.otf"))],
        font_family=_FAMILY,
        sans_serif_family=_FAMILY,
    )
