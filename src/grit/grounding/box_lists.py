"""Labelled boxes as each family writes them, from its own pre-training.

Qwen2.5-VL lists objects of JSON, one a line, indented by a tab. InternVL gathers the boxes of one
label: ``<ref>chair</ref><box>[[38, 212, 131, 402], [147, 205, 236, 391]]</box>``.
"""

import json
import math
from collections.abc import Sequence
from typing import Literal

from grit.grounding.boxes import Box, Space

BoxStyle = Literal["json", "internvl"]
Corners = tuple[int, int, int, int]
Labelled = tuple[str, Corners]


def whole_corners(box: Box, space: Space) -> Corners:
    """A tidied box in a space, rounded to whole numbers; outwards where it would lose its area."""
    x1, y1, x2, y2 = box.to(space).corners
    left, right = _whole(x1, x2)
    top, bottom = _whole(y1, y2)
    return left, top, right, bottom


def _whole(low: float, high: float) -> tuple[int, int]:
    ends = round(low), round(high)
    return ends if ends[0] < ends[1] else (math.floor(low), math.ceil(high))


def json_object(label: str, corners: Corners) -> str:
    """One box: ``{"bbox_2d": [38, 212, 131, 402], "label": "chair"}``."""
    return json.dumps({"bbox_2d": list(corners), "label": label}, ensure_ascii=False)


def internvl_group(label: str, corners: Sequence[Corners]) -> str:
    """All boxes of one label."""
    return f"<ref>{label}</ref><box>{[list(each) for each in corners]}</box>"


def box_list(style: BoxStyle, boxes: Sequence[Labelled]) -> str:
    """At least one labelled box; InternVL's groups come in the order of their first boxes."""
    if style == "json":
        return "[\n\t" + ",\n\t".join(json_object(*each) for each in boxes) + "\n]"
    groups: dict[str, list[Corners]] = {}
    for label, corners in boxes:
        groups.setdefault(label, []).append(corners)
    return ", ".join(internvl_group(*group) for group in groups.items())
