"""Rewards of completions in a JSON Lines file: the core of ``task=score``."""

from pathlib import Path
from typing import Any

from grit.data.row_boxes import RowBoxes, read_row_boxes
from grit.data.rows import Row, read_rows
from grit.judge.judge import Judge, check_failures, check_trouble
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward, judge_failures


def scored(path: Path, reward: Reward, judge: Judge) -> list[dict[str, Any]]:
    """Each row of a JSON Lines file plus ``reward`` and ``components`` (the weighted terms).

    Rows have ``question``, ``answer``, ``dataset`` and ``completion``, and may have
    ``completion_ids`` and the fields of ``read_row_boxes``; others are kept as they are. If the
    judge failed, ``reward`` and the terms that need the judge are None; a term that needs annotated
    boxes is None on rows without any, and ``reward`` the sum of the others.

    Raises:
        GritError: a row cannot be scored; names file, line and field.
        JudgeFailed: the judge failed on too many rows.
    """
    rows = list(read_rows(path))
    outcomes = reward.score([_attempt(row, reward) for row in rows], judge)
    check_trouble(judge.trouble)
    check_failures(judge, *judge_failures(outcomes))
    return [
        row.fields | {"reward": outcome.total, "components": outcome.components}
        for row, outcome in zip(rows, outcomes, strict=True)
    ]


def _attempt(row: Row, reward: Reward) -> Attempt:
    boxes = _boxes(row, reward)
    answer, answer_is_box = row.answer()
    dataset = row.text("dataset")
    expected = reward.fault(dataset, answer)
    if expected:
        row.refuse("answer", expected)
    return Attempt(
        question=row.text("question"),
        answer=answer,
        dataset=dataset,
        completion=row.text("completion"),
        token_ids=row.optional_integers("completion_ids"),
        row=row.where,
        box_space=boxes.box_space,
        space=boxes.space,
        true_boxes=boxes.true_boxes,
        answer_is_box=answer_is_box,
    )


def _boxes(row: Row, reward: Reward) -> RowBoxes:
    """The row's boxes; a reward that sees none takes rows without the size of their image too."""
    sides = [side for side in ("width", "height") if row.has(side)]
    if reward.of_boxes or len(sides) == 2:
        return read_row_boxes(row, "bboxs")
    row.optional_boxes("bboxs")
    for side in sides:
        row.pixels(side)
    return RowBoxes()
