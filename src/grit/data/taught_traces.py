"""The target completions of few-shot supervised fine-tuning, for any row and in several styles.

"plain" is the short style of the tiny models (`shapes.ideal_traces`). The others are English
sentences around the same boxes: "sentences" with boxes as GRIT's format has them, for any model,
and in the form that a family of large models writes since its pre-training ("json" for Qwen2.5-VL,
as GRIT's prompt asks, "internvl", and "glm"):

    <think> I look for every dog on the couch: <ref>dog</ref><box>[[5, 6, 20, 22]]</box> </think>
    <rethink> The box holds one dog, so I count 1 dog. </rethink>
    <answer> 1 </answer>

They end with ``</answer>``, where sampling stops too. The trace of a row without annotation says
what to look for, without boxes: it must not teach that there is nothing to see.
"""

import re
from dataclasses import replace
from typing import Literal

from grit.data.labels import box_labels
from grit.data.samples import Sample
from grit.data.shapes.ideal_traces import (
    UNKNOWN,
    answer_text,
    convert_boxes,
    ideal_trace,
    reflection,
    tagged_trace,
)
from grit.data.wording.answer_sentences import answer_sentence, search_phrase
from grit.data.wording.counted import IN_THE_IMAGE, counted_thing
from grit.data.wording.nouns import things_named
from grit.grounding.box_lists import BoxStyle, box_list, rounded_corners
from grit.grounding.boxes import Box, Space

SentenceStyle = Literal["sentences"] | BoxStyle
TraceStyle = Literal["plain"] | SentenceStyle

_MARKUP = re.compile(r"[<>\[\]{}\n]|\d,\s*\d")  # would be parsed as the trace's own tags and boxes
_MAX_WORDS = 40  # of a sentence
_MAX_NAMES = 3
_FALLBACK = "So this is the answer."


def is_annotated(sample: Sample) -> bool:
    """Whether a row's boxes are annotated: an empty list says that there is nothing to box.

    A positive count with an empty list is not annotated, nor are boxes without area.
    """
    if sample.boxes:
        return any(box.tidied() for box in sample.boxes)
    return sample.boxes is not None and not _count(sample)


def taught_trace(sample: Sample, space: Space, style: TraceStyle) -> str:
    """The target completion of a row; coordinates are in ``space``, the model's for this image."""
    boxes = labelled_boxes(sample)
    if style == "plain":
        return _plain_trace(sample, space, boxes)
    think, rethink = sentences(sample, space, style)
    return tagged_trace(think, rethink, _answer(sample, space)) + " </answer>"


def sentences(sample: Sample, space: Space, style: SentenceStyle) -> tuple[str, str]:
    """What to look for, with the boxes; and what follows from them, as English sentences."""
    boxes = labelled_boxes(sample)
    think = _search_sentence(sample, boxes)
    if not boxes:
        return f"{think}.", _rethink(sample, boxes)
    corners = [(label, rounded_corners(box, space)) for label, box in boxes]
    if style == "sentences":
        listed = ": " + _enumeration([str(list(each)) for _, each in corners]) + "."
    else:
        listed = (":\n" if style == "json" else ": ") + box_list(style, corners)
    return think + listed, _rethink(sample, boxes)


def labelled_boxes(sample: Sample) -> list[tuple[str, Box]]:
    """The annotated boxes with their labels, tidied; boxes without area are left out."""
    boxes = [box for box in sample.boxes or () if sample.labels or box.tidied()]
    labels = [*sample.labels] if sample.labels else box_labels(sample, boxes)
    labels += [UNKNOWN] * (len(boxes) - len(labels))
    pairs = zip(labels, boxes, strict=False)
    return [(label, tidy) for label, box in pairs if (tidy := box.tidied())]


def _plain_trace(sample: Sample, space: Space, boxes: list[tuple[str, Box]]) -> str:
    if not is_annotated(sample):
        answer = answer_text(sample, space)
        return tagged_trace(_search_sentence(sample, boxes) + ".", reflection(sample), answer)
    if sample.labels or not boxes:
        return ideal_trace(sample, space)
    labels, kept = zip(*boxes, strict=True)
    return ideal_trace(replace(sample, labels=labels, boxes=kept), space)


def _search_sentence(sample: Sample, boxes: list[tuple[str, Box]]) -> str:
    """What to look for: the sentence before the boxes, without its last mark."""
    thing = counted_thing(sample.question)
    if thing is not None:
        none = ", and there is none" if _count(sample) == 0 and not boxes else ""
        return f"I look for every {thing.singular} {thing.where}{none}"
    phrase = search_phrase(sample.question)
    if phrase is not None:
        return f"I look for {phrase}"
    labels = tuple(dict.fromkeys(label for label, _ in boxes))
    names = tuple(dict.fromkeys(sample.labels or things_named(sample.question)))
    if boxes:  # labels that only the answer names would give it away here
        names = labels if set(labels) <= set(names) else ()
    phrases = [f"the {name}" for name in names] if len(names) <= _MAX_NAMES else []
    return f"I look for {_enumeration(phrases) or 'what the question asks about'} {IN_THE_IMAGE}"


def _rethink(sample: Sample, boxes: list[tuple[str, Box]]) -> str:
    """A sentence that leads from the boxes to the answer."""
    answer = " ".join(sample.answer.split())
    if sample.answer_is_box:
        names = _enumeration(list(dict.fromkeys(f"the {label}" for label, _ in boxes)))
        subject = "The box shows" if len(boxes) == 1 else "The boxes show"
        return f"{subject} {names}." if names else _FALLBACK
    stated = answer.lower() if answer.lower() in ("yes", "no") else answer
    sentences = (
        _count_sentence(sample, boxes),
        answer_sentence(sample.question, answer),
        f"So the answer is {stated.rstrip('.')}.",
    )
    return next((text for text in sentences if text and _is_plain(text)), _FALLBACK)


def _count_sentence(sample: Sample, boxes: list[tuple[str, Box]]) -> str | None:
    thing, count = counted_thing(sample.question), _count(sample)
    if thing is None or count is None:
        return None
    total = f"I count {count} {thing.singular if count == 1 else thing.plural}."
    if count != len(boxes) or count == 0:
        return total
    subject = "The box holds" if count == 1 else "Each box holds"
    return f"{subject} one {thing.singular}, so {total}"


def _is_plain(sentence: str) -> bool:
    """Whether a sentence is short and has no tag or box in it."""
    return not _MARKUP.search(sentence) and len(sentence.split()) <= _MAX_WORDS


def _answer(sample: Sample, space: Space) -> str:
    """The row's answer; boxes are converted to the model's space and clipped to the image."""
    if not sample.answer_is_box:
        return sample.answer.strip()
    return convert_boxes(sample.answer, sample.space, space, _clipped_box_text)


def _clipped_box_text(box: Box, space: Space) -> str:
    clipped = box.tidied()
    return str(list(rounded_corners(clipped, space))) if clipped else "[0, 0, 0, 0]"


def _count(sample: Sample) -> int | None:
    answer = sample.answer.strip()
    return int(answer) if answer.isdecimal() and answer.isascii() else None


def _enumeration(names: list[str]) -> str:
    """As in English: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
