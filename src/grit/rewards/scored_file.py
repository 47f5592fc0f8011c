"""Rewards of completions in a JSON Lines file: the core of ``task=score``."""

from pathlib import Path
from typing import Any

from grit.data.rows import Row, read_rows
from grit.judge.judge import Judge
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward


def scored(path: Path, reward: Reward, judge: Judge) -> list[dict[str, Any]]:
    """Each row of a JSON Lines file plus ``reward`` and ``components`` (the weighted terms).

    Rows have ``question``, ``answer``, ``dataset`` and ``completion``, and may have ``bboxs``,
    ``width``, ``height`` and ``completion_ids``; other fields are kept as they are. If the judge
    failed, ``reward`` and the terms that need the judge are None. Raises GritError for the first
    row that cannot be scored, naming file, line and field.
    """
    rows = list(read_rows(path))
    outcomes = reward.score([_attempt(row, reward) for row in rows], judge)
    return [
        row.fields | {"reward": outcome.total, "components": outcome.components}
        for row, outcome in zip(rows, outcomes, strict=True)
    ]


def _attempt(row: Row, reward: Reward) -> Attempt:
    row.optional_boxes("bboxs")  # checked although no reward uses these three fields
    for side in ("width", "height"):
        if row.has(side):
            row.pixels(side)
    answer, _ = row.answer()
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
    )
