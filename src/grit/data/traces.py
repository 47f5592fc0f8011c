"""The traces that few-shot supervised fine-tuning teaches, for any row and in a hand of choice.

``plain`` is the miniature's hand (`shapes.traces`). A large model has a hand of its own from its
pre-training, and is taught to answer in it: a sentence of English and the boxes as its family
writes them ("json" for Qwen2.5-VL, as GRIT's prompt asks; "internvl"):

    <think> I look for every dog on the couch: <ref>dog</ref><box>[[5, 6, 20, 22]]</box> </think>
    <rethink> The box holds one dog, so I count 1 dog. </rethink>
    <answer> 1 </answer>

The closing tag is where GRPO-GR stops too. A row that nobody annotated has something to see,
which only nobody has boxed: its trace says what to look for, without boxes.
"""

import re
from dataclasses import replace
from typing import Literal

from grit.data.labels import box_labels
from grit.data.samples import Sample
from grit.data.shapes.traces import (
    UNKNOWN,
    answer_text,
    ideal_trace,
    in_space,
    reflection,
    written,
)
from grit.data.wording.claims import claim, sought
from grit.data.wording.counting import IN_THE_IMAGE, counted
from grit.data.wording.nouns import things_named
from grit.grounding.box_lists import box_list, rounded_corners
from grit.grounding.boxes import Box, Space

Hand = Literal["plain", "json", "internvl"]

_NO_TEXT = re.compile(r"[<>\[\]{}\n]|\d,\s*\d")  # tags and boxes would be read as the trace's own
_LONGEST = 40  # words of a sentence
_MOST_NAMES = 3
_THIS = "So this is the answer."


def is_annotated(sample: Sample) -> bool:
    """Whether a row says where what it asks about is; with no box, that there is nothing.

    A positive count without boxes does not: there is something to see.
    """
    if sample.boxes:
        return any(box.tidied() for box in sample.boxes)
    return sample.boxes is not None and not (_count(sample) and counted(sample.question))


def taught_trace(sample: Sample, space: Space, hand: Hand) -> str:
    """The completion that a row teaches, with coordinates in ``space``, the model's view of it."""
    boxes = labelled_boxes(sample)
    if hand == "plain":
        return _plain_trace(sample, space, boxes)
    think = _search(sample, boxes)
    if boxes:
        corners = [(label, rounded_corners(box, space)) for label, box in boxes]
        think += (":\n" if hand == "json" else ": ") + box_list(hand, corners)
    else:
        think += "."
    return written(think, _reflection(sample, boxes), _answer(sample, space)) + " </answer>"


def labelled_boxes(sample: Sample) -> list[tuple[str, Box]]:
    """The annotated boxes, tidied, with what each shows; boxes without area are left out."""
    boxes = [box for box in sample.boxes or () if sample.labels or box.tidied()]
    labels = [*sample.labels] if sample.labels else box_labels(sample, boxes)
    labels += [UNKNOWN] * (len(boxes) - len(labels))
    pairs = zip(labels, boxes, strict=False)
    return [(label, tidy) for label, box in pairs if (tidy := box.tidied())]


def _plain_trace(sample: Sample, space: Space, boxes: list[tuple[str, Box]]) -> str:
    if not is_annotated(sample):
        answer = answer_text(sample, space)
        return written(_search(sample, boxes) + ".", reflection(sample), answer)
    if sample.labels or not boxes:
        return ideal_trace(sample, space)
    labels, kept = zip(*boxes, strict=True)
    return ideal_trace(replace(sample, labels=labels, boxes=kept), space)


def _search(sample: Sample, boxes: list[tuple[str, Box]]) -> str:
    """What to look for, as a sentence without its end."""
    counts = counted(sample.question)
    if counts is not None:
        none = ", and there is none" if _count(sample) == 0 and not boxes else ""
        return f"I look for every {counts.one} {counts.where}{none}"
    asked = sought(sample.question)
    if asked is not None:
        return f"I look for {asked}"
    shown = tuple(dict.fromkeys(label for label, _ in boxes))
    names = tuple(dict.fromkeys(sample.labels or things_named(sample.question)))
    if boxes:  # what the answer alone tells is not known yet
        names = shown if set(shown) <= set(names) else ()
    distinct = [f"the {name}" for name in names] if len(names) <= _MOST_NAMES else []
    return f"I look for {_listed(distinct) or 'what the question asks about'} {IN_THE_IMAGE}"


def _reflection(sample: Sample, boxes: list[tuple[str, Box]]) -> str:
    """A sentence that leads from the boxes to the answer."""
    answer = " ".join(sample.answer.split())
    if sample.answer_is_box:
        shown = _listed(list(dict.fromkeys(f"the {label}" for label, _ in boxes)))
        return (
            f"The {'box shows' if len(boxes) == 1 else 'boxes show'} {shown}." if shown else _THIS
        )
    said = (_counted(sample, boxes), claim(sample.question, answer), _named(answer))
    return next((each for each in said if each and _reads(each)), _THIS)


def _counted(sample: Sample, boxes: list[tuple[str, Box]]) -> str | None:
    counts, count = counted(sample.question), _count(sample)
    if counts is None or count is None:
        return None
    total = f"I count {count} {counts.one if count == 1 else counts.many}."
    if count != len(boxes) or count == 0:
        return total
    each = "The box holds" if count == 1 else "Each box holds"
    return f"{each} one {counts.one}, so {total}"


def _named(answer: str) -> str:
    said = answer.lower() if answer.lower() in ("yes", "no") else answer
    return f"So the answer is {said.rstrip('.')}."


def _reads(sentence: str) -> bool:
    return not _NO_TEXT.search(sentence) and len(sentence.split()) <= _LONGEST


def _answer(sample: Sample, space: Space) -> str:
    """The answer as the row has it; a box in the model's space, within the image."""
    if not sample.answer_is_box:
        return sample.answer.strip()
    return in_space(sample.answer, sample.space, space, said=_box_text)


def _box_text(box: Box, space: Space) -> str:
    tidy = box.tidied()
    return str(list(rounded_corners(tidy, space))) if tidy else "[0, 0, 0, 0]"


def _count(sample: Sample) -> int | None:
    answer = sample.answer.strip()
    return int(answer) if answer.isdecimal() and answer.isascii() else None


def _listed(names: list[str]) -> str:
    """As in English: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
