"""Counting questions from TallyQA's own training file.

An entry of ``train.json``: ``{"image": "VG_100K_2/2410408.jpg", "answer": 4, "question": "How many
headlights does the bus have?", "question_id": 30095774, "data_source": "imported_genome", ...}``;
images of COCO are named ``train2014/COCO_train2014_000000369568.jpg``.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from grit.core.errors import GritError
from grit.core.seeding import seed_for
from grit.data.mixtures import COUNTS, in_turn
from grit.data.photographs import coco_name, photograph
from grit.data.rows import read_rows

QUESTION_ID = "question_id"  # names a question in TallyQA's file and in the rows made from it
LARGEST_FILE = 512 * 2**20  # bytes of train.json


@dataclass(frozen=True)
class CountingRow:
    """A question of TallyQA, without the size of its image."""

    question: str
    answer: int
    image: str  # its path in GRIT's layout
    number: int  # TallyQA's question_id

    def as_row(self, width: int, height: int) -> dict[str, Any]:
        """In GRIT's format; TallyQA has no boxes."""
        return {
            "question": self.question,
            "answer": self.answer,
            "image": self.image,
            "width": width,
            "height": height,
            "bboxs": [],
            "dataset": "tallyqa",
            "split": "train",
            QUESTION_ID: self.number,
        }


def draw_counting_rows(
    file: Path,
    count: int,
    seed: int,
    *,
    tested: Collection[str],
    coco_numbers: Mapping[str, int],
) -> list[CountingRow]:
    """Draw questions, with the answers 0-4 equally often as long as there are enough.

    Args:
        file: TallyQA's train.json.
        count: how many, at most.
        seed: of the draw; a smaller count gives the beginning of a larger one.
        tested: photographs of test sets, whose questions are left out.
        coco_numbers: as for `photograph`.

    Raises:
        GritError: the file does not have TallyQA's format.
    """
    eligible = {
        row.number: row  # of rows with the same question_id the last is kept
        for row in _rows(file)
        if row.answer in COUNTS and photograph("tallyqa", row.image, coco_numbers) not in tested
    }
    ranked = sorted(
        eligible.values(), key=lambda row: (seed_for(seed, "tallyqa", row.number), row.number)
    )
    return in_turn(ranked, lambda row: str(row.answer))[:count]


def rows_by_question(
    file: Path, *, tested: Collection[str], coco_numbers: Mapping[str, int]
) -> dict[int, dict[str, Any]]:
    """The rows of a file made of `CountingRow`, by question_id; rows without one by -line.

    Rows whose photograph is in ``tested`` are left out; an older draw may have taken them.

    Raises:
        GritError: a row is invalid.
    """
    return {
        row.integer(QUESTION_ID) if row.has(QUESTION_ID) else -row.line: row.fields
        for row in read_rows(file)
        if photograph("tallyqa", row.text("image"), coco_numbers) not in tested
    }


def layout_name(image: str) -> str:
    """The path of TallyQA's image in GRIT's layout, which names COCO's images as COCO 2017 does."""
    return coco_name(PurePosixPath(image).name) or image


def _rows(file: Path) -> list[CountingRow]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise GritError(f"{file}: is larger than {LARGEST_FILE >> 20} MiB")
        entries = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GritError(f"{file}: cannot be read as JSON: {error}; delete it") from error
    if not isinstance(entries, list):
        raise GritError(f"{file}: expected a list of questions")
    return [_row(file, number, entry) for number, entry in enumerate(entries)]


def _row(file: Path, number: int, entry: Any) -> CountingRow:
    try:
        image, question = str(entry["image"]), str(entry["question"]).strip()
        row = CountingRow(
            question, int(entry["answer"]), layout_name(image), int(entry[QUESTION_ID])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GritError(
            f"{file} entry {number}: expected image, question, answer and question_id: {error}"
        ) from error
    if not question or PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
        raise GritError(f"{file} entry {number}: an empty question or an image outside its folder")
    return row
