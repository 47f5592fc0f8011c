"""The records that rewards are computed from: a completion, before and after it is parsed."""

import re
from dataclasses import dataclass

from grit.grounding.boxes import Box, Space, converted, with_area
from grit.grounding.traces import Trace, parse


@dataclass(frozen=True)
class Attempt:
    """A completion to be scored, from a rollout or from a file."""

    question: str
    answer: str  # the true answer
    dataset: str
    completion: str
    token_ids: tuple[int, ...] | None = None
    row: str = ""  # its file and line or its sample's id, for messages
    box_space: Space | None = None  # the space of the completion's boxes; None: unknown size
    space: Space | None = None  # the original image's pixels; None: unknown size
    true_boxes: tuple[Box, ...] | None = None  # annotated, in `space`; None: not annotated
    answer_is_box: bool = False  # detection; the true answer is then in `space`, as text
    seed: int | None = None  # that it was sampled with; None: not known, as in a file


@dataclass(frozen=True)
class Response:
    """The input of a reward term: a completion that is parsed and, where needed, judged.

    All boxes are in pixels of the original image, clipped to it, with their corners in order; those
    without area are left out. ``boxes`` are those of the whole completion, as GIoU and
    ``predictions.jsonl`` have them: in detection the answer itself is a box, and a reward that saw
    fewer boxes than the metric could rise without it. Repeated boxes are kept.
    ``trace.boxes`` has those before ``<rethink>``, as the model writes them.
    """

    question: str
    answer: str  # the true answer
    dataset: str
    trace: Trace
    token_ids: tuple[int, ...] | None
    judged: float | None  # judge's score in [0, 1]; None: not judged; 0.0 without an answer
    counting: bool  # the data set is one whose true answer is a number of objects
    boxes: tuple[Box, ...] | None = None  # of the completion; None: the image's size is not known
    true_boxes: tuple[Box, ...] | None = None  # annotated, at least one; None: there is none
    answer_is_box: bool = False  # detection: the model's box is in another space than the answer
    seed: int | None = None  # that the completion was sampled with; None: not known

    @classmethod
    def of(cls, attempt: Attempt, *, counting: bool) -> "Response":
        """A parsed attempt, which no judge has scored yet."""
        trace = parse(attempt.completion)
        boxes = None
        if attempt.box_space is not None and attempt.space is not None:
            boxes = with_area(converted(trace.all_boxes, attempt.box_space, attempt.space))
        return cls(
            question=attempt.question,
            answer=attempt.answer,
            dataset=attempt.dataset,
            trace=trace,
            token_ids=attempt.token_ids,
            judged=0.0 if trace.answer is None else None,
            counting=counting,
            boxes=boxes,
            true_boxes=with_area(attempt.true_boxes or ()) or None,
            answer_is_box=attempt.answer_is_box,
            seed=attempt.seed,
        )


def true_count(answer: str) -> int:
    """The number of objects in the true answer of a counting question.

    Raises ValueError if the answer is not an integer of up to 9 digits; its text says what was
    expected.
    """
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", answer):
        raise ValueError("a number of objects, written as an integer")
    return int(answer)
