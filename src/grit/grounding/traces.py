"""Parsing a completion into think, rethink, answer and boxes.

The rules are those of the paper; where it leaves something open, the strict reading is taken:

- think pair: exactly one ``<think>`` and exactly one ``</think>``, in this order;
- rethink pair: the same for ``<rethink>``, which opens after the ``</think>`` of a think pair;
- box: four comma-separated integers, matched by a regular expression (the text need not be JSON);
- boxes of the reasoning: those before the first ``<rethink>``; without one, before the first
  ``<answer>``; without either, in the whole text;
- answer: the text after the first ``<answer>``, up to ``</answer>`` if that follows, stripped.
"""

import re
from dataclasses import dataclass

from grit.grounding.boxes import Corners

BOX_PATTERN = re.compile(r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b")
_NUMBER = re.compile(r"\d+")
_LAST_NUMBER = re.compile(r"\d+\Z")
_MAX_DIGITS = 18
_LARGEST = 10**_MAX_DIGITS  # outside of any image


@dataclass(frozen=True)
class Trace:
    """The parts of a completion; boxes are integers as written, in the model's coordinate space."""

    text: str
    think_pair: bool
    rethink_pair: bool
    think: str | None  # between the first <think> and the </think> that follows it
    rethink: str | None  # the same for <rethink>
    answer: str | None  # None if it is missing or empty
    boxes: tuple[Corners, ...]  # of the reasoning, before <rethink> or <answer>
    all_boxes: tuple[Corners, ...]  # of the whole text


def parse(completion: str) -> Trace:
    """Parse a completion. Accepts any text, never raises, and takes time linear in its length."""
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


def format_parts(trace: Trace) -> dict[str, bool]:
    """The conditions of the format, by the names of ``format_parts`` in predictions.jsonl."""
    return {
        "think_pair": trace.think_pair,
        "rethink_pair": trace.rethink_pair,
        "box_in_chain": bool(trace.boxes),
        "answer": trace.answer is not None,
    }


def before_answer(completion: str) -> str:
    """The chain that an answer stands on: everything before the first ``<answer>``."""
    return completion.partition("<answer>")[0]


def boxes_in(text: str) -> tuple[Corners, ...]:
    """Every box in ``text``, from left to right; matches do not overlap.

    A number of more than 18 digits is read as 10**18, which is outside of any image.
    """
    matches = (_NUMBER.findall(match) for match in BOX_PATTERN.findall(text))
    return tuple((_integer(a), _integer(b), _integer(c), _integer(d)) for a, b, c, d in matches)


def contexts_in(text: str) -> list[str]:
    """The words that belong to each box of a chain.

    Those inside the same braces, as in ``{"bbox_2d": [...], "label": "dog"}``; without braces, what
    stands between the box before and this one, as in ``the dog [...] beside a cat [...]``.
    """
    spans = [match.span() for match in BOX_PATTERN.finditer(text)]
    edges = [(0, 0), *spans, (len(text), len(text))]
    contexts = []
    for (_, before), (start, end), (after, _) in zip(edges, spans, edges[2:], strict=False):
        opening, closing = text.rfind("{", before, start), text.find("}", end, after)
        inside = opening >= 0 and closing >= 0
        contexts.append(text[opening:closing] if inside else text[before:start])
    return contexts


def settled(text: str) -> str:
    """A text that is being written, without the last digits of a box to which more may be added."""
    ends = [match.end() for match in BOX_PATTERN.finditer(text)]
    return _LAST_NUMBER.sub("", text) if ends[-1:] == [len(text)] else text


def _integer(digits: str) -> int:
    # int() raises for thousands of digits, which a model may write.
    if len(digits) > _MAX_DIGITS:
        digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else _LARGEST


def _is_pair(text: str, tag: str) -> bool:
    opening, closing = f"<{tag}>", f"</{tag}>"
    both_once = text.count(opening) == 1 and text.count(closing) == 1
    return both_once and text.find(opening) < text.find(closing)


def _between(text: str, opening: str, closing: str) -> str | None:
    _, opened, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    return inside if opened and closed else None


def _answer(text: str) -> str | None:
    _, _, rest = text.partition("<answer>")
    return rest.partition("</answer>")[0].strip() or None


def _reasoning(text: str) -> str:
    before, rethink, _ = text.partition("<rethink>")
    return before if rethink else before_answer(text)
