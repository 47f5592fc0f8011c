"""The curves of a pre-training run as an SVG with a panel for each stage."""

from collections import defaultdict
from typing import Any

PANELS: dict[str, tuple[str, ...]] = {
    "vision": ("shapes", "colors", "centers", "digits"),
    "pairs": ("vsr_yes_no", "mme_position", "gqa_color_shape", "place", "side"),
    "few": ("vsr_yes_no", "tallyqa", "mme_existence", "mme_color", "gqa_color_shape"),
    "scenes": ("vsr_yes_no", "tallyqa", "mme_existence_color", "mathvista", "ideal", "detect"),
    "leading": ("ideal_vsr_what", "ideal_vsr_yes_no", "vsr_what", "vsr_yes_no", "tallyqa"),
    "chains": ("ideal", "ideal_vsr_what", "vsr_what", "vsr_yes_no", "tallyqa", "detect"),
    "counts": ("tallyqa", "mme_count", "mathvista", "vsr_what", "vsr_yes_no", "ideal"),
    "habits": ("vsr_yes_no", "tallyqa", "mme_existence_color", "mathvista", "habit"),
    "finish": ("vsr_yes_no", "tallyqa", "binding", "mathvista_total_difference", "habit"),
}
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
WIDTH, HEIGHT, LEFT, TOP = 260, 170, 34, 22  # of a panel's plot and its margins, pixels
LEGEND = 12  # height of a line, pixels

Points = dict[str, list[tuple[int, float]]]


def curves_svg(rows: list[dict[str, Any]]) -> str:
    """The share of answers with all tokens right: running means in training, dots on dev scenes."""
    across = LEFT + WIDTH
    height = TOP + HEIGHT + 16 + LEGEND * max(map(len, PANELS.values()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across * len(PANELS) + 10}" '
        f'height="{height}" font-family="sans-serif" font-size="10">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (stage, names) in enumerate(PANELS.items()):
        parts.append(f'<g transform="translate({number * across + LEFT},{TOP})">')
        parts += _panel(rows, stage, names)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _panel(rows: list[dict[str, Any]], stage: str, names: tuple[str, ...]) -> list[str]:
    lines, dots = _points(rows, stage)
    steps = max((x for points in lines.values() for x, _ in points), default=1)

    def place(point: tuple[int, float]) -> tuple[float, float]:
        return point[0] / steps * WIDTH, (1 - min(max(point[1], 0.0), 1.0)) * HEIGHT

    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{WIDTH / 2}" y="-8" text-anchor="middle">{stage} ({steps} steps)</text>',
    ]
    for share in (0.0, 0.5, 1.0):
        y = (1 - share) * HEIGHT
        parts.append(f'<text x="-4" y="{y + 3}" text-anchor="end">{share:.1f}</text>')
        parts.append(f'<path d="M0 {y}H{WIDTH}" stroke="#ddd"/>')
    for row, (name, color) in enumerate(zip(names, COLORS, strict=False)):
        track = " ".join("{:.1f},{:.1f}".format(*place(point)) for point in lines[name])
        parts.append(f'<polyline points="{track}" fill="none" stroke="{color}"/>')
        for x, y in map(place, dots[name]):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{color}"/>')
        y = HEIGHT + 16 + LEGEND * row
        parts.append(f'<rect x="0" y="{y - 6}" width="10" height="4" fill="{color}"/>')
        parts.append(f'<text x="14" y="{y}">{name}</text>')
    return parts


def _points(rows: list[dict[str, Any]], stage: str) -> tuple[Points, Points]:
    lines: Points = defaultdict(list)
    dots: Points = defaultdict(list)
    for row in rows:
        if row["stage"] != stage:
            continue
        for name, value in row.get("held_out", {}).items():
            dots[name].append((row["step"], value))
        for name, value in row.items():
            if isinstance(value, float):
                lines[name].append((row["step"], value))
    return lines, dots
