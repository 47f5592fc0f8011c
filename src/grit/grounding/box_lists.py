"""Labelled boxes as text, in the format that each model family was pre-trained on.

Qwen2.5-VL writes a JSON list with one object per line, indented by a tab. InternVL groups boxes by
label: ``<ref>chair</ref><box>[[38, 212, 131, 402], [147, 205, 236, 391]]</box>``; GLM-4.1V does so
between tokens of its own: ``chair <|begin_of_box|>[[38, 212, 131, 402]]<|end_of_box|>``.
"""

import json
import math
from collections.abc import Sequence
from typing import Literal

from grit.grounding.boxes import Box, Corners, Space

BoxStyle = Literal["json", "internvl", "glm"]
BOX_TOKENS = ("<ref>", "</ref>", "<box>", "</box>", "<|begin_of_box|>", "<|end_of_box|>")
"""What stands around boxes: tokens of their own in some families."""
LabelledCorners = tuple[str, Corners]


def rounded_corners(box: Box, space: Space) -> Corners:
    """The corners of a tidied box in ``space``, rounded to integers.

    A side that rounding would shrink to zero length is rounded outwards instead.
    """
    x1, y1, x2, y2 = box.to(space).corners
    left, right = _rounded_interval(x1, x2)
    top, bottom = _rounded_interval(y1, y2)
    return left, top, right, bottom


def _rounded_interval(low: float, high: float) -> tuple[int, int]:
    ends = round(low), round(high)
    return ends if ends[0] < ends[1] else (math.floor(low), math.ceil(high))


def json_object(label: str, corners: Corners) -> str:
    """One box as Qwen2.5-VL writes it: ``{"bbox_2d": [38, 212, 131, 402], "label": "chair"}``."""
    return json.dumps({"bbox_2d": list(corners), "label": label}, ensure_ascii=False)


def boxes_of_label(style: BoxStyle, label: str, boxes: Sequence[Corners]) -> str:
    """All boxes of one label, within a sentence."""
    if style == "json":
        return "[" + ", ".join(json_object(label, corners) for corners in boxes) + "]"
    corners = [list(each) for each in boxes]
    if style == "internvl":
        return f"<ref>{label}</ref><box>{corners}</box>"
    return f"{label} <|begin_of_box|>{corners}<|end_of_box|>"


def box_list(style: BoxStyle, boxes: Sequence[LabelledCorners]) -> str:
    """The text of one or more labelled boxes; groups by label are in order of appearance."""
    if style == "json":
        return "[\n\t" + ",\n\t".join(json_object(*labelled) for labelled in boxes) + "\n]"
    groups: dict[str, list[Corners]] = {}
    for label, corners in boxes:
        groups.setdefault(label, []).append(corners)
    return ", ".join(boxes_of_label(style, *group) for group in groups.items())
