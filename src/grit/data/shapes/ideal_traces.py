"""Ideal grounded traces of drawn scenes, in the tiny models' short style, from annotations.

    <think> red circle [5, 6, 20, 22], blue square [50, 8, 70, 30] </think>
    <rethink> the red circle is left of the blue square </rethink>
    <answer> yes

They are used by few-shot supervised fine-tuning, in-context examples and pre-training, never by
GRPO-GR. For real rows and for the styles of large models see `grit.data.taught_traces`.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space

UNKNOWN = "object"  # the label of a box whose content is not known
NOTHING = "nothing"

_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"  # as JSON has it
_BOX = re.compile(rf"\[\s*({_NUMBER}),\s*({_NUMBER}),\s*({_NUMBER}),\s*({_NUMBER})\s*\]")


def box_text(box: Box, space: Space) -> str:
    """A box converted to a space and rounded: "[5, 6, 20, 22]"."""
    return str([round(value) for value in box.to(space).corners])


def convert_boxes(
    text: str,
    source: Space,
    target: Space,
    write_box: Callable[[Box, Space], str] = box_text,
) -> str:
    """Convert every box "[x1, y1, x2, y2]" in a text from one space to another."""

    def converted(match: re.Match[str]) -> str:
        x1, y1, x2, y2 = (float(value) for value in match.groups())
        return write_box(Box(x1, y1, x2, y2, source), target)

    return _BOX.sub(converted, text)


def answer_text(sample: Sample, space: Space) -> str:
    """The answer, with boxes converted to `space`, the model's coordinate space."""
    if not sample.answer_is_box:
        return sample.answer
    return convert_boxes(sample.answer, sample.space, space)


def grounded_text(labels: Sequence[str], boxes: Iterable[Box], space: Space) -> str:
    """Labels with their boxes: "red circle [5, 6, 20, 22], ..."; "nothing" without boxes."""
    boxes = list(boxes)
    names = [*labels, *[UNKNOWN] * (len(boxes) - len(labels))]
    pairs = zip(names, boxes, strict=True)
    return ", ".join(f"{name} {box_text(box, space)}" for name, box in pairs) or NOTHING


def reflection(sample: Sample) -> str:
    """The text of the rethink part: a few words that lead from the boxes to the answer.

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


def tagged_trace(think: str, rethink: str, answer: str) -> str:
    """A trace with GRIT's tags around its three parts; ``</answer>``, which is optional, is not."""
    return f"<think> {think} </think>\n<rethink> {rethink} </rethink>\n<answer> {answer}"


def ideal_trace(sample: Sample, space: Space) -> str:
    """A completion with every annotated box of a sample and the correct answer.

    Coordinates are rounded to integers of `space`, the model's coordinate space for this image. The
    think part of a sample without boxes is "nothing".
    """
    think = grounded_text(sample.labels, sample.boxes or (), space)
    return tagged_trace(think, reflection(sample), answer_text(sample, space))
