"""Finished runs, read back from their folders."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grit.data.rows import Row, read_rows
from grit.errors import GritError
from grit.evaluation.predictions import Prediction, ScoredPrediction, read_predictions
from grit.grounding.boxes import Box
from grit.reporting.results import Results, read_results

_WANDB_RUN = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(\w+)")


@dataclass(frozen=True)
class FinishedRun:
    """A folder with a ``results.json``, and what it says."""

    folder: Path
    results: Results
    before: Results | None  # the same model before training
    config: Mapping[str, Any]  # resolved; empty where the folder has none
    started: str  # ISO 8601; "" where nobody wrote it down
    wandb_ids: tuple[str, ...]  # of its runs in W&B, the latest last

    @property
    def page(self) -> Path | None:
        """Its report."""
        path = self.folder / "report.html"
        return path if path.exists() else None

    def rows(self, stem: str = "") -> dict[str, list[ScoredPrediction]]:
        """The scored rows of ``predictions[.stem].jsonl`` by set; none where there is no file."""
        path = self.folder / f"predictions{f'.{stem}' if stem else ''}.jsonl"
        return read_scored(path) if path.exists() else {}


def find_runs(roots: Sequence[Path]) -> list[FinishedRun]:
    """The finished runs in and below some folders, each once, in order of their paths.

    Raises:
        GritError: a folder is missing or holds no finished run, or a run's file is broken.
    """
    found: dict[Path, None] = {}
    for root in roots:
        if not root.is_dir():
            raise GritError(f"runs: {root} is not a folder; name folders of finished runs")
        below = sorted(_folders(root.resolve()))
        if not below:
            raise GritError(f"runs: no results.json in or below {root}; has a run finished there?")
        found |= dict.fromkeys(below)
    return [_read(folder) for folder in found]


def read_scored(path: Path) -> dict[str, list[ScoredPrediction]]:
    """A run's own ``predictions.jsonl``, with the scores that stand in it, by set.

    Raises:
        GritError: names line and field of what is not as a run writes it.
    """
    sets: dict[str, list[ScoredPrediction]] = {}
    for prediction, row in zip(read_predictions(path), read_rows(path), strict=True):
        sets.setdefault(prediction.set, []).append(_scored(prediction, row))
    return sets


def _folders(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        if "results.json" in files:
            below.clear()  # a run holds no other runs
            yield Path(folder)


def _read(folder: Path) -> FinishedRun:
    before, config = folder / "results.before.json", folder / "config.yaml"
    return FinishedRun(
        folder=folder,
        results=read_results(folder / "results.json"),
        before=read_results(before) if before.exists() else None,
        config=_mapping(config, yaml.safe_load),
        started=str(_mapping(folder / "run.json", json.loads).get("started", "")),
        wandb_ids=tuple(
            match[1]
            for path in sorted((folder / "wandb").glob("*run-*-*"), key=lambda path: path.name)
            if (match := _WANDB_RUN.fullmatch(path.name))
        ),
    )


def _mapping(path: Path, parse: Any) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise GritError(f"{path}: cannot be read: {reason}") from error
    if not isinstance(value, dict):
        raise GritError(f"{path}: expected an object, found {value!r:.60}")
    return value


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
