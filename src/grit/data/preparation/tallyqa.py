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
from grit.data.mixtures import in_turn
from grit.data.photographs import coco_name, photograph

COUNTS = (0, 1, 2, 3, 4)  # the answers that the paper trains on, evenly
LARGEST_FILE = 512 * 2**20  # bytes of train.json


@dataclass(frozen=True)
class CountingRow:
    """One question of TallyQA; its image's size is not known yet."""

    question: str
    answer: int
    image: str  # as it is called in our layout
    number: int  # TallyQA's own of the question

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
            "question_id": self.number,
        }


def draw_counting_rows(
    file: Path,
    count: int,
    seed: int,
    *,
    tested: Collection[str],
    coco_numbers: Mapping[str, int],
) -> list[CountingRow]:
    """``count`` questions, answers evenly over 0-4 as far as they reach.

    Args:
        file: TallyQA's train.json.
        count: how many, at most.
        seed: of the draw; with one seed, fewer are the first of more.
        tested: photographs of test sets, which no question drawn is about.
        coco_numbers: as for `photograph`.

    Raises:
        GritError: the file is not what TallyQA's is.
    """
    apart = (
        row
        for row in _rows(file)
        if row.answer in COUNTS and photograph("tallyqa", row.image, coco_numbers) not in tested
    )
    ranked = sorted(apart, key=lambda row: (seed_for(seed, "tallyqa", row.number), row.number))
    return in_turn(ranked, COUNTS, lambda row: str(row.answer))[:count]


def our_name(image: str) -> str:
    """What an image of TallyQA is called in our layout: COCO's of 2014 as in COCO 2017."""
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
            question, int(entry["answer"]), our_name(image), int(entry["question_id"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GritError(
            f"{file} entry {number}: expected image, question, answer and question_id: {error}"
        ) from error
    if not question or PurePosixPath(image).is_absolute() or ".." in PurePosixPath(image).parts:
        raise GritError(f"{file} entry {number}: an empty question or an image outside its folder")
    return row
