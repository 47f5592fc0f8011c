"""Predictions: completions of test questions, before and after scoring, and reading them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.data.row_boxes import read_row_boxes
from grit.data.rows import Row
from grit.data.samples import Sample
from grit.data.shapes.scenes import Scene
from grit.evaluation.harnesses import rows_made_anywhere
from grit.evaluation.named_boxes import named_boxes
from grit.grounding.boxes import Box, Space, with_area


@dataclass(frozen=True)
class Prediction:
    """A completion of one test question, with the fields that scoring needs."""

    set: str
    row: int  # index in its set: rows are written in this order
    id: str  # unique within its set
    question: str
    truth: str
    truth_is_box: bool
    dataset: str
    completion: str
    box_space: Space | None = None  # the space of the completion's boxes; None: unknown size
    space: Space | None = None  # the original image's pixels; None: unknown size
    true_boxes: tuple[Box, ...] | None = None  # in `space`; None: not annotated
    image: str | None = None  # rows of a set with equal values share a picture; None: own
    named_boxes: float | None = None  # see named_boxes.py; None: no label, or no drawn scene
    written: str | None = None  # the completion with its special tokens of boxes; None: it has none

    @property
    def picture(self) -> tuple[str, ...]:
        """What rows of one picture have in common; a row that names none has its own."""
        return (self.set, "row", self.id) if self.image is None else (self.set, "image", self.image)

    @property
    def annotated(self) -> tuple[Box, ...]:
        """The annotated boxes that count: those with an area in the image."""
        return with_area(self.true_boxes or ())

    @property
    def as_written(self) -> str:
        """The completion that its model can go on from: see ``written_text``."""
        return self.completion if self.written is None else self.written

    @classmethod
    def of(
        cls,
        sample: Sample,
        completion: str,
        *,
        set: str,
        row: int,
        box_space: Space,
        written: str | None = None,
    ) -> "Prediction":
        """The prediction for ``sample`` of a model that writes boxes in the space ``box_space``."""
        return cls(
            set=set,
            row=row,
            id=sample.id,
            question=sample.question,
            truth=sample.answer,
            truth_is_box=sample.answer_is_box,
            dataset=sample.dataset,
            completion=completion,
            box_space=box_space,
            space=sample.space,
            true_boxes=sample.boxes,
            image=sample.picture.key,
            named_boxes=named_boxes(completion, box_space, sample.picture)
            if isinstance(sample.picture, Scene)
            else None,
            written=None if written == completion else written,
        )

    @property
    def size_fields(self) -> dict[str, Any]:
        """The fields of a row that say the spaces of its boxes."""
        fields: dict[str, Any] = {}
        if self.space is not None:
            fields |= {"width": self.space.width, "height": self.space.height}
        if self.box_space is not None:
            fields["box_space"] = self.box_space.name
            if self.box_space.name == "resized":
                fields["resized_width"] = self.box_space.width
                fields["resized_height"] = self.box_space.height
        return fields

    @property
    def picture_fields(self) -> dict[str, Any]:
        """The optional fields of a row made anywhere: its picture, annotated boxes and spaces."""
        fields = {"image": self.image, "bboxs": _corner_lists(self.true_boxes), **self.size_fields}
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class ScoredPrediction:
    """A prediction with its scores; None where a score does not apply or the judge failed."""

    prediction: Prediction
    answer: str | None  # None: the completion has none
    boxes: tuple[Box, ...] | None  # all of the completion's, original pixels; None: unknown size
    parts: Mapping[str, bool]  # the conditions of `format`
    acc: float | None  # the judge's score, 0 to 1
    judge_failed: bool  # the judge was asked and gave no score
    exact_match: float | None  # 0 or 1
    giou: float | None  # 0 to 1
    format: float  # 0 or 1

    def to_row(self) -> dict[str, Any]:
        """The fields of a line of ``predictions.jsonl``, which ``read_predictions`` can read."""
        said = self.prediction
        return {
            "set": said.set,
            "id": said.id,
            "dataset": said.dataset,
            "image": said.image,
            "question": said.question,
            "truth": json.loads(said.truth) if said.truth_is_box else said.truth,
            "completion": said.completion,
            "answer": self.answer,
            "boxes": _corner_lists(self.boxes),
            "true_boxes": _corner_lists(said.true_boxes),
            "acc": self.acc,
            "judge_failed": self.judge_failed,
            "exact_match": self.exact_match,
            "giou": self.giou,
            "named_boxes": said.named_boxes,
            "format": self.format,
            "format_parts": dict(self.parts),
            **said.size_fields,
            **({} if said.written is None else {"written": said.written}),
        }


def read_predictions(path: Path) -> list[Prediction]:
    """Predictions of this suite or of any other program, one set per ``dataset`` value.

    Row fields: ``question``, ``answer`` (the true one), ``dataset``, ``completion``; for GIoU
    ``bboxs``, ``width``, ``height`` in original pixels, and ``box_space`` of the completion's
    boxes: ``original`` (default), ``normalized_1000``, or ``resized`` with ``resized_width`` and
    ``resized_height``. Optional ``image``: a name that the rows of one picture share. Rows of a
    run's own ``predictions.jsonl``, known by their field ``truth``, are read as well and keep set
    and id; so are the files of other harnesses. Raises GritError naming line and field for a bad
    row.
    """
    return [prediction for _, prediction in predicted_rows(path)]


def predicted_rows(path: Path) -> Iterator[tuple[Row, Prediction]]:
    """The predictions of ``read_predictions``, each with the row of the file that it is from."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows_made_anywhere(path):
        prediction = _prediction(row, len(seen))
        key = prediction.set, prediction.id
        if key in seen:
            raise GritError(
                f'{row.where}: field "id": expected a new one, found line {seen[key]}\'s'
            )
        seen[key] = row.line
        yield row, prediction


def read_scored(path: Path) -> dict[str, list[ScoredPrediction]]:
    """A run's own ``predictions.jsonl`` with its scores, by set.

    Raises:
        GritError: a field is not as a run writes it; names line and field.
    """
    sets: dict[str, list[ScoredPrediction]] = {}
    for row, prediction in predicted_rows(path):
        sets.setdefault(prediction.set, []).append(_scored(prediction, row))
    return sets


def read_sets(path: Path) -> dict[str, list[Prediction]]:
    """The predictions of ``read_predictions``, by set."""
    sets: dict[str, list[Prediction]] = {}
    for prediction in read_predictions(path):
        sets.setdefault(prediction.set, []).append(prediction)
    return sets


def _scored(prediction: Prediction, row: Row) -> ScoredPrediction:
    boxes, space = row.optional_boxes("boxes"), prediction.space
    parts = row.fields.get("format_parts")
    if not isinstance(parts, dict):
        row.refuse("format_parts", "the parts of the format, as a run writes them")
    return ScoredPrediction(
        prediction=prediction,
        answer=row.optional_text("answer"),
        boxes=None
        if boxes is None or space is None
        else tuple(Box(*corners, space) for corners in boxes),
        parts={str(name): bool(there) for name, there in parts.items()},
        acc=_score(row, "acc"),
        judge_failed=row.fields.get("judge_failed") is True,
        exact_match=_score(row, "exact_match"),
        giou=_score(row, "giou"),
        format=_score(row, "format") or 0.0,
    )


def _score(row: Row, name: str) -> float | None:
    value = row.fields.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        row.refuse(name, "a number or null")
    return None if value is None else float(value)


def _prediction(row: Row, place: int) -> Prediction:
    own = "truth" in row.fields  # in a run's own file `answer` is the predicted one
    truth, truth_is_box = row.answer("truth" if own else "answer")
    dataset = row.text("dataset", blank=False)
    boxes = read_row_boxes(row, "true_boxes" if own else "bboxs")
    return Prediction(
        set=row.text("set", blank=False) if own else dataset,
        row=place,
        id=row.text("id", blank=False) if own else f"{dataset}/{row.line}",
        question=row.text("question"),
        truth=truth,
        truth_is_box=truth_is_box,
        dataset=dataset,
        completion=row.text("completion"),
        box_space=boxes.box_space,
        space=boxes.space,
        true_boxes=boxes.true_boxes,
        image=row.text("image", blank=False) if row.has("image") else None,
        named_boxes=_score(row, "named_boxes") if own else None,
        written=row.optional_text("written") if own else None,
    )


def _corner_lists(boxes: tuple[Box, ...] | None) -> list[list[float]] | None:
    if boxes is None:
        return None
    return [[round(corner, 2) for corner in box.corners] for box in boxes]
