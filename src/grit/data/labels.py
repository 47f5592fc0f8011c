"""What the boxes of a row show, in the words of its question and answer.

Real rows say where their boxes are, not what is in them. How the paper's rows are annotated tells:

- counting: each box shows what is counted; fewer boxes than the count hold several each;
- one box shows the answer of "What is behind the sheep?" and else the first thing that the question
  names: so it is in all ten VSR rows that the paper trains on;
- as many boxes as things: in the order of the question, or, where the answer affirms a side
  ("left of", "under"), as it says. VSR's order is no promise: of the 54 test rows with two boxes
  whose answer affirms a side, 36 have it;
- more boxes than things: each shows one of them, and nobody knows which.
"""

import re
from collections.abc import Callable, Sequence

from grit.data.samples import Sample
from grit.data.shapes.traces import UNKNOWN
from grit.data.wording.claims import thing
from grit.data.wording.counting import counted
from grit.data.wording.nouns import things_named
from grit.data.wording.number import is_plural
from grit.grounding.boxes import Box

# Where one box has to be, seen from another, for the words to be true; the first that is found.
_SIDES: tuple[tuple[re.Pattern[str], Callable[[Box, Box], bool]], ...] = (
    (re.compile(r"\bleft\b"), lambda one, other: _across(one) < _across(other)),
    (re.compile(r"\bright\b"), lambda one, other: _across(one) > _across(other)),
    (re.compile(r"\b(?:above|over|on)\b"), lambda one, other: _down(one) < _down(other)),
    (re.compile(r"\b(?:below|under|beneath)\b"), lambda one, other: _down(one) > _down(other)),
)
_ASKING = re.compile(r"^(?:what|who|which)\b|\b(?:what|who)\s*\?\s*$", re.IGNORECASE)
_ATTRIBUTES = re.compile(
    r"\b(?:colou?rs?|shapes?|sizes?|materials?|brand|age|gender|weather|pattern|direction|height)\b",
    re.IGNORECASE,
)


def things_asked_about(sample: Sample) -> tuple[str, ...]:
    """What one would look for to answer; first what a single box shows. Empty where nothing says.

    Not for counting.
    """
    named = things_named(sample.question)
    answer = None if sample.answer_is_box else thing(sample.answer)
    if answer is None or (named and not _asks_for_a_thing(sample.question)):
        return named
    return answer, *(name for name in named if name != answer)


def box_labels(sample: Sample, boxes: Sequence[Box]) -> list[str]:
    """What each box shows; "object" only where neither question nor answer names a thing."""
    counts = counted(sample.question)
    if counts is not None:
        return [counts.many if _hold_several(sample, boxes) else counts.one] * len(boxes)
    names = things_asked_about(sample)
    if names and names[0] not in things_named(sample.question) and is_plural(names[0].split()[-1]):
        return [names[0]] * len(boxes)  # "What is on the grass?", birds
    if len(names) >= len(boxes):
        return list(_as_affirmed(sample, boxes, names))
    return [" or ".join(names) or UNKNOWN] * len(boxes)


def _asks_for_a_thing(question: str) -> bool:
    text = question.strip()
    return bool(_ASKING.search(text)) and not _ATTRIBUTES.search(text)


def _hold_several(sample: Sample, boxes: Sequence[Box]) -> bool:
    answer = sample.answer.strip()
    return answer.isdecimal() and len(boxes) < int(answer)


def _as_affirmed(sample: Sample, boxes: Sequence[Box], names: Sequence[str]) -> Sequence[str]:
    """Names in the order of the boxes."""
    if len(boxes) == 2 and sample.answer.strip().lower() != "no":
        for words, holds in _SIDES:
            if words.search(sample.question):
                return names[:2] if holds(*boxes) or not holds(*reversed(boxes)) else names[1::-1]
    return names[: len(boxes)]


def _across(box: Box) -> float:
    return box.x1 + box.x2


def _down(box: Box) -> float:
    return box.y1 + box.y2
