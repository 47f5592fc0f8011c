"""Scored predictions in the files of other harnesses; ``harnesses`` reads them again."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grit.core.files import write_jsonl, write_text
from grit.evaluation.predictions import ScoredPrediction
from grit.evaluation.settings import Harness

Sets = Mapping[str, Sequence[ScoredPrediction]]


def write_harness_files(
    harnesses: Sequence[Harness], sets: Sets, folder: Path, model: str
) -> Iterator[Path]:
    """Write predictions as other harnesses do, a file for each set; yields the files.

    Args:
        harnesses: whose files.
        sets: the scored predictions, by set.
        folder: of the run; files go to ``lmms_eval/MODEL`` and ``vlmevalkit/MODEL`` in it.
        model: its name.
    """
    of = {"lmms_eval": _samples, "vlmevalkit": _tables}
    for name in harnesses:
        yield from of[name](sets, folder / name / model.replace("/", "__"))


def _samples(sets: Sets, folder: Path) -> Iterator[Path]:
    """lmms-eval's ``DATE_samples_TASK.jsonl``; ``score`` is what it compares with a baseline's."""
    date = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    for name, rows in sets.items():
        path = folder / f"{date}_samples_{name}.jsonl"
        write_jsonl(path, (_sample(at, row) for at, row in enumerate(rows)))
        yield path


def _sample(doc_id: int, scored: ScoredPrediction) -> dict[str, Any]:
    said, answer = scored.prediction, scored.answer or ""
    question = json.dumps([said.question, said.truth, said.image])
    return {
        "doc_id": doc_id,
        "target": said.truth,
        "filtered_resps": answer,
        **({} if answer == said.completion else {"resps": [said.completion]}),
        "token_counts": [None],
        "doc_hash": hashlib.sha256(question.encode("utf-8")).hexdigest(),
        **_scores(scored),
        "input": said.question,
        **said.picture_fields,
    }


def _tables(sets: Sets, folder: Path) -> Iterator[Path]:
    """VLMEvalKit's ``MODEL_DATASET.tsv``: the answer is the prediction, what leads to it beside."""
    for name, rows in sets.items():
        records = [_record(at, row) for at, row in enumerate(rows)]
        columns = list(dict.fromkeys(column for record in records for column in record))
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, columns, delimiter="\t", quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(records)
        path = folder / f"{folder.name}_{name}.tsv"
        write_text(path, text.getvalue())
        yield path


def _record(index: int, scored: ScoredPrediction) -> dict[str, Any]:
    said = scored.prediction
    return {
        "index": index,
        "question": said.question,
        "answer": said.truth,
        "prediction": scored.answer or "",
        "completion": said.completion,
        **_scores(scored),
        **said.picture_fields,
        "bboxs": json.dumps(said.picture_fields.get("bboxs")),  # a cell is text; null: none
    }


def _scores(scored: ScoredPrediction) -> dict[str, float | None]:
    return {
        "score": scored.acc,
        "exact_match": scored.exact_match,
        "giou": scored.giou,
        "format": scored.format,
    }
