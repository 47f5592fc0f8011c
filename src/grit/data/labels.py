"""Labels for the boxes of a row, taken from the words of its question and answer.

Real rows have boxes without labels. The rules follow how the paper's rows are annotated:

- counting: each box shows what is counted; if there are fewer boxes than the count, each holds
  several;
- a single box shows the answer of a question like "What is behind the sheep?", and else the first
  thing that the question names, as in all ten VSR rows that the paper trains on;
- as many boxes as things: in the order of the question, unless the answer affirms a side ("left
  of", "under") that says otherwise. VSR's own order is not reliable: of the 54 test rows with two
  boxes whose answer affirms a side, 36 follow it;
- more boxes than things: each gets all of their names, since it is not known which it shows.
"""

import re
from collections.abc import Callable, Sequence

from grit.data.samples import Sample
from grit.data.shapes.ideal_traces import UNKNOWN
from grit.data.wording.answer_sentences import named_thing
from grit.data.wording.counted import counted_thing
from grit.data.wording.nouns import things_named
from grit.data.wording.number import is_plural
from grit.grounding.boxes import Box

# Words for a side, and whether the first box is on that side of the second. The first match counts.
_SIDES: tuple[tuple[re.Pattern[str], Callable[[Box, Box], bool]], ...] = (
    (re.compile(r"\bleft\b"), lambda a, b: _center_x(a) < _center_x(b)),
    (re.compile(r"\bright\b"), lambda a, b: _center_x(a) > _center_x(b)),
    (re.compile(r"\b(?:above|over|on)\b"), lambda a, b: _center_y(a) < _center_y(b)),
    (re.compile(r"\b(?:below|under|beneath)\b"), lambda a, b: _center_y(a) > _center_y(b)),
)
_ASKING = re.compile(r"^(?:what|who|which)\b|\b(?:what|who)\s*\?\s*$", re.IGNORECASE)
_ATTRIBUTES = re.compile(
    r"\b(?:colou?rs?|shapes?|sizes?|materials?|brand|age|gender|weather|pattern|direction|height)\b",
    re.IGNORECASE,
)


def things_asked_about(sample: Sample) -> tuple[str, ...]:
    """The things that a question, not of counting, is about; empty if no rule applies.

    The first is what a single box shows.
    """
    named = things_named(sample.question)
    answer = None if sample.answer_is_box else named_thing(sample.answer)
    if answer is None or (named and not _asks_for_a_thing(sample.question)):
        return named
    return answer, *(name for name in named if name != answer)


def box_labels(sample: Sample, boxes: Sequence[Box]) -> list[str]:
    """A label for each box; "object" if neither question nor answer names a thing."""
    counted = counted_thing(sample.question)
    if counted is not None:
        several = _hold_several(sample, boxes)
        return [counted.plural if several else counted.singular] * len(boxes)
    names = things_asked_about(sample)
    if names and names[0] not in things_named(sample.question) and is_plural(names[0].split()[-1]):
        return [names[0]] * len(boxes)  # "What is on the grass?", birds
    if len(names) >= len(boxes):
        return list(_in_box_order(sample, boxes, names))
    return [" or ".join(names) or UNKNOWN] * len(boxes)


def _asks_for_a_thing(question: str) -> bool:
    text = question.strip()
    return bool(_ASKING.search(text)) and not _ATTRIBUTES.search(text)


def _hold_several(sample: Sample, boxes: Sequence[Box]) -> bool:
    answer = sample.answer.strip()
    return answer.isdecimal() and len(boxes) < int(answer)


def _in_box_order(sample: Sample, boxes: Sequence[Box], names: Sequence[str]) -> Sequence[str]:
    """Names in the order of the boxes: two are exchanged if that makes an affirmed side true."""
    if len(boxes) == 2 and sample.answer.strip().lower() != "no":
        for words, holds in _SIDES:
            if words.search(sample.question):
                return names[:2] if holds(*boxes) or not holds(*reversed(boxes)) else names[1::-1]
    return names[: len(boxes)]


def _center_x(box: Box) -> float:
    return (box.x1 + box.x2) / 2


def _center_y(box: Box) -> float:
    return (box.y1 + box.y2) / 2
