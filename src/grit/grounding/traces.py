"""From a completion to its parts: think, rethink, answer and boxes.

The rules are those of the paper, read strictly where it is silent:

- think pair: exactly one ``<think>`` and exactly one ``</think>``, opened before closed;
- rethink pair: the same of ``<rethink>``, opened after the ``</think>`` of a correct think pair;
- a box: four comma-separated integers found by a regular expression, not by JSON;
- the region searched for the reasoning's boxes: the text before the first ``<rethink>``; without
  one, before the first ``<answer>``; without either, all of it;
- answer: the text after the first ``<answer>``, up to ``</answer>`` if that follows, stripped.
"""

import re
from dataclasses import dataclass

Corners = tuple[int, int, int, int]

BOX_PATTERN = re.compile(r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b")
_NUMBER = re.compile(r"\d+")
_MOST_DIGITS = 18
_BEYOND_ANY_IMAGE = 10**_MOST_DIGITS


@dataclass(frozen=True)
class Trace:
    """The parts of one completion; boxes are integers as written, in the model's own space."""

    text: str
    think_pair: bool
    rethink_pair: bool
    think: str | None  # between the first <think> and the </think> that follows it
    rethink: str | None  # the same of <rethink>
    answer: str | None  # None where there is none, or an empty one
    boxes: tuple[Corners, ...]  # in the reasoning, before <rethink> or <answer>
    all_boxes: tuple[Corners, ...]  # anywhere


def parse(completion: str) -> Trace:
    """Read a completion. Takes any text, never raises, in time linear in its length."""
    think_pair = _is_pair(completion, "think")
    opens_after_think = completion.find("<rethink>") > completion.find("</think>")
    return Trace(
        text=completion,
        think_pair=think_pair,
        rethink_pair=think_pair and _is_pair(completion, "rethink") and opens_after_think,
        think=_between(completion, "<think>", "</think>"),
        rethink=_between(completion, "<rethink>", "</rethink>"),
        answer=_answer(completion),
        boxes=boxes_in(_reasoning(completion)),
        all_boxes=boxes_in(completion),
    )


def boxes_in(text: str) -> tuple[Corners, ...]:
    """Every box of ``text``, left to right, none overlapping another.

    A number of more than 18 digits stands for one that is outside of any image.
    """
    found = (_NUMBER.findall(match) for match in BOX_PATTERN.findall(text))
    return tuple((_integer(a), _integer(b), _integer(c), _integer(d)) for a, b, c, d in found)


def _integer(digits: str) -> int:
    # int() refuses thousands of digits; a model can write them.
    if len(digits) > _MOST_DIGITS:
        digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else _BEYOND_ANY_IMAGE


def _is_pair(text: str, tag: str) -> bool:
    opening, closing = f"<{tag}>", f"</{tag}>"
    once = text.count(opening) == 1 and text.count(closing) == 1
    return once and text.find(opening) < text.find(closing)


def _between(text: str, opening: str, closing: str) -> str | None:
    _, opened, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    return inside if opened and closed else None


def _answer(text: str) -> str | None:
    _, _, rest = text.partition("<answer>")
    return rest.partition("</answer>")[0].strip() or None


def _reasoning(text: str) -> str:
    before, found, _ = text.partition("<rethink>")
    return before if found else text.partition("<answer>")[0]
