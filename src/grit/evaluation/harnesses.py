"""Predictions in the files of other evaluation harnesses, read as rows made anywhere.

Which harness wrote a file is seen from what is in it, not from a setting.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.data.rows import Row, read_rows

_SAMPLES = re.compile(r"(?:.*_)?samples_(?P<task>.+)")  # lmms-eval's names
_OPTIONS = "ABCDEFGHIJ"
_FAILED = "Failed to obtain answer"
_LONGEST_CELL = 10_000_000  # characters; csv's own limit is shorter than a long chain
_BOX_FIELDS = ("bboxs", "width", "height", "resized_width", "resized_height")


def rows_made_anywhere(path: Path) -> Iterator[Row]:
    """The rows of a file of predictions, with the fields that this suite reads.

    - JSON Lines with ``question``, ``answer``, ``dataset``, ``completion``, or a run's own;
    - lmms-eval's ``DATE_samples_TASK.jsonl`` (``--log_samples``, as of 0.7.3,
      ``loggers/evaluation_tracker.py``), whose set is the task;
    - VLMEvalKit's ``MODEL_DATASET.tsv`` or ``.json`` (``PRED_FORMAT``, as of August 2026,
      ``vlmeval/inference.py``), whose set is the data set.

    Raises:
        GritError: the file cannot be read, or a row lacks what is needed; names line and field.
    """
    if path.suffix == ".xlsx":
        raise GritError(
            f"{path}: spreadsheets are not read; let VLMEvalKit write PRED_FORMAT=tsv, or save "
            "the sheet as tab-separated values"
        )
    if path.suffix in (".tsv", ".json"):
        dataset = _dataset(path)
        yield from (_of_vlmevalkit(row, dataset) for row in _table(path))
        return
    for row in read_rows(path):
        yield _of_lmms_eval(row) if "doc_id" in row.fields else row


def _of_lmms_eval(row: Row) -> Row:
    """``filtered_resps`` is what filters left of ``resps``, which stands there where it differs."""
    named = _SAMPLES.fullmatch(row.path.stem)
    if named is None:
        raise GritError(f"{row.path}: expected lmms-eval's name of it, DATE_samples_TASK.jsonl")
    said = {
        "dataset": named["task"],
        "question": row.text("input"),
        "answer": _box_or_text(row.text("target", blank=False)),
        "completion": _only_text(row, "resps" if row.has("resps") else "filtered_resps"),
    }
    return Row(row.path, row.line, row.fields | said)


def _only_text(row: Row, name: str) -> str:
    value = row.fields.get(name)
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    if not isinstance(value, str):
        row.refuse(name, "the text of one answer")
    return value


def _of_vlmevalkit(row: Row, dataset: str) -> Row:
    """A question's options follow it; the true answer and the prediction may be their letters.

    ``completion`` is a column of this suite's own files. VLMEvalKit's have the chain in
    ``thinking``, where it was told to split it off the prediction (``SPLIT_THINK``).
    """
    if "prediction" not in row.fields:
        row.refuse("prediction", "a column with the answers")
    said = row.optional_text("prediction") or ""
    if _FAILED in said:
        row.refuse("prediction", "an answer: VLMEvalKit got none; run it again with --reuse")
    thinking = row.optional_text("thinking") or ""
    options = [f"{letter}. {row.text(letter)}" for letter in _OPTIONS if row.has(letter)]
    chain = f"<think>{thinking}</think>\n" if thinking else ""
    fields = {
        "dataset": dataset,
        "question": "\n".join([row.text("question"), *options]),
        "answer": _box_or_text(row.text("answer", blank=False)),
        "completion": row.optional_text("completion") or chain + said,
    }
    image = row.optional_text("image_path") or row.optional_text("image")
    boxes = {name: _decoded(row, name) for name in _BOX_FIELDS if row.has(name)}
    return Row(row.path, row.line, row.fields | fields | {"image": image} | boxes)


def _decoded(row: Row, name: str) -> Any:
    try:
        return json.loads(row.text(name))
    except ValueError:
        row.refuse(name, "JSON")


def _box_or_text(text: str) -> Any:
    """A true answer: four numbers are a box, any other list is text, as some of MathVista's are."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    is_box = isinstance(value, list) and len(value) == 4
    is_box = is_box and all(type(corner) in (int, float) for corner in value)
    return value if is_box else text


def _table(path: Path) -> Iterator[Row]:
    """The rows of a table; cells are text, empty ones are missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        is_json = path.suffix == ".json"
        rows = json.loads(text) if is_json else _cells(text)
    except OSError as error:
        raise GritError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise GritError(f"{path}: is no table of VLMEvalKit: {error}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise GritError(f"{path}: is no table of VLMEvalKit: expected a row for each question")
    for number, row in enumerate(rows, start=1 if is_json else 2):  # a table has a heading
        yield Row(path, number, {name: _cell(value) for name, value in row.items()})


def _cells(text: str) -> list[Mapping[str, Any]]:
    csv.field_size_limit(_LONGEST_CELL)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))


def _cell(value: Any) -> str | None:
    if value is None or value == "" or value != value:  # pandas writes NaN for what is missing
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _dataset(path: Path) -> str:
    """The data set in ``MODEL_DATASET``: what follows the name of a folder that the file is in."""
    for folder in path.absolute().parents:
        if path.stem.startswith(f"{folder.name}_") and folder.name:
            return path.stem.removeprefix(f"{folder.name}_")
    return path.stem.partition("_")[2] or path.stem
