"""``samples.jsonl``: answers that were sampled beside the greedy ones of ``predictions.jsonl``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grit.core.files import write_jsonl
from grit.data.rows import read_rows
from grit.evaluation.predictions import Prediction, ScoredPrediction


def write_sampled(path: Path, sets: Mapping[str, Sequence[ScoredPrediction]]) -> None:
    """Write a row for each sampled answer: its question by set and id, its number, its score."""
    numbers: Counter[tuple[str, str]] = Counter()
    rows = []
    for row in (row for rows in sets.values() for row in rows):
        key = row.prediction.set, row.prediction.id
        rows.append(
            {
                "set": row.prediction.set,
                "id": row.prediction.id,
                "sample": numbers[key],
                "completion": row.prediction.completion,
                "answer": row.answer,
                "acc": row.acc,
                "judge_failed": row.judge_failed,
            }
        )
        numbers[key] += 1
    write_jsonl(path, rows)


def read_sampled(
    path: Path, predictions: Mapping[str, Sequence[Prediction]]
) -> dict[str, list[Prediction]]:
    """What was sampled beside a run's predictions, as predictions by set.

    It is in ``samples[.STEM].jsonl`` beside ``predictions[.STEM].jsonl``; empty without that file.
    Answers to questions that are not among the predictions are left out.

    Args:
        path: of the predictions.
        predictions: what is in that file, with the questions.

    Raises:
        GritError: a row is not as a run writes it.
    """
    beside = path.with_name(f"samples{path.name.removeprefix('predictions')}")
    if not (path.name.startswith("predictions") and beside.exists()):
        return {}
    asked = {(said.set, said.id): said for rows in predictions.values() for said in rows}
    sampled: dict[str, list[Prediction]] = {}
    for row in read_rows(beside):
        said = asked.get((row.text("set"), row.text("id")))
        completion = row.text("completion")
        if said is not None:
            answer = replace(said, completion=completion, named_boxes=None, written=None)
            sampled.setdefault(said.set, []).append(answer)
    return sampled
