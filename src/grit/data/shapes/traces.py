"""Ideal grounded traces of drawn scenes, in the miniature's hand, from a sample's annotations.

    <think> red circle [5, 6, 20, 22], blue square [50, 8, 70, 30] </think>
    <rethink> the red circle is left of the blue square </rethink>
    <answer> yes

They serve few-shot supervised fine-tuning, in-context examples and pre-training; GRPO-GR never
sees one. Real rows, and the hands of large models: `grit.data.traces`.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space

UNKNOWN = "object"  # what a box is said to show where no label tells
NOTHING = "nothing"

_NUMBER = r"-?\d+(?:\.\d+)?"
_BOX = re.compile(rf"\[\s*({_NUMBER}),\s*({_NUMBER}),\s*({_NUMBER}),\s*({_NUMBER})\s*\]")


def box_text(box: Box, space: Space) -> str:
    """A box in a space, rounded: "[5, 6, 20, 22]"."""
    return str([round(value) for value in box.to(space).corners])


def in_space(
    text: str, original: Space, space: Space, said: Callable[[Box, Space], str] = box_text
) -> str:
    """The text with every box "[x1, y1, x2, y2]" taken from one space to the other."""

    def moved(match: re.Match[str]) -> str:
        x1, y1, x2, y2 = (float(value) for value in match.groups())
        return said(Box(x1, y1, x2, y2, original), space)

    return _BOX.sub(moved, text)


def answer_text(sample: Sample, space: Space) -> str:
    """The answer as a model that speaks `space` should give it: boxes are converted."""
    return in_space(sample.answer, sample.space, space) if sample.answer_is_box else sample.answer


def grounded_text(labels: Sequence[str], boxes: Iterable[Box], space: Space) -> str:
    """Each label with its box: "red circle [5, 6, 20, 22], ..."; "nothing" for no boxes."""
    boxes = list(boxes)
    names = [*labels, *[UNKNOWN] * (len(boxes) - len(labels))]
    pairs = zip(names, boxes, strict=True)
    return ", ".join(f"{name} {box_text(box, space)}" for name, box in pairs) or NOTHING


def reflection(sample: Sample) -> str:
    """What follows from the boxes, in a few words that lead to the answer.

    "Is the red circle left of the blue square?", no -> "the red circle is not left of the blue
    square"; a count -> "that makes 3"; an option -> "that makes 3, option B"; anything else -> "it
    is blue".
    """
    answer = sample.answer.strip()
    if answer.isdecimal():
        return f"that makes {answer}"
    if sample.answer_is_box:
        return "that is all" if len(sample.boxes or ()) != 1 else "there it is"
    option = re.search(rf"\({re.escape(answer)}\) (\w+)", sample.question)
    if option:
        return f"that makes {option[1]}, option {answer}"
    if answer.lower() not in ("yes", "no"):
        return f"it is the {answer}" if answer in sample.labels else f"it is {answer}"
    subject = f"the {sample.labels[0]}" if sample.labels else ""
    opening = f"Is {subject} "
    if subject and sample.question.startswith(opening):
        claim = sample.question.removeprefix(opening).split("?")[0]
        return f"{subject} is {'' if answer.lower() == 'yes' else 'not '}{claim}"
    return "that is right" if answer.lower() == "yes" else "that is wrong"


def written(think: str, rethink: str, answer: str) -> str:
    """The three parts between GRIT's tags; the answer's closing tag is left out, as it may be."""
    return f"<think> {think} </think>\n<rethink> {rethink} </rethink>\n<answer> {answer}"


def ideal_trace(sample: Sample, space: Space) -> str:
    """The completion that grounds every annotated box of a sample and answers correctly.

    Coordinates are rounded whole numbers of `space`, which is the model's view of this image.
    A sample that is not annotated, or annotated as empty, grounds "nothing".
    """
    think = grounded_text(sample.labels, sample.boxes or (), space)
    return written(think, reflection(sample), answer_text(sample, space))
