"""Finished runs, found in folders and read back from them."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.data.rows import Row
from grit.evaluation.controls import Controls, controls
from grit.evaluation.metrics import METRICS
from grit.evaluation.predictions import Prediction, ScoredPrediction, predicted_rows
from grit.grounding.boxes import Box
from grit.runs.results import Results, read_results
from grit.runs.stored import stored_configuration

RESULTS = "results.json"  # what makes a folder that of a finished run
_WANDB_RUN = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-(\w+)")


@dataclass(frozen=True)
class FinishedRun:
    """A folder with a ``results.json``; whatever else lies in it is read when it is asked for."""

    folder: Path
    results: Results

    @classmethod
    def read(cls, folder: Path) -> "FinishedRun":
        """The run of a folder; GritError says what is wrong with its results."""
        return cls(folder, read_results(folder / RESULTS))

    @property
    def name(self) -> str:
        """What notes call it."""
        return str(self.folder)

    @property
    def page(self) -> Path | None:
        """Its report."""
        path = self.folder / "report.html"
        return path if path.exists() else None

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Its resolved configuration; empty where the folder has none.

        Raises:
            GritError: the file is not YAML of an object with plain values.
        """
        path = self.folder / "config.yaml"
        return stored_configuration(path) if path.exists() else {}

    @property
    def seconds(self) -> float | None:
        """From its first start to its end; None where its record does not say."""
        try:
            record = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
            begun, ended = (datetime.fromisoformat(record[key]) for key in ("started", "finished"))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (ended - begun).total_seconds()

    def metrics(self) -> list[dict[str, Any]]:
        """What was logged at each step of its training; none where it was not trained.

        Raises:
            GritError: a line is damaged.
        """
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return []
        from grit.runs.metrics_log import MetricsLog  # imports Lightning

        return MetricsLog(path).rows()

    @property
    def wandb_ids(self) -> tuple[str, ...]:
        """The ids of its runs in W&B, the latest last."""
        places = sorted((self.folder / "wandb").glob("*run-*-*"), key=lambda path: path.name)
        found = (_WANDB_RUN.fullmatch(path.name) for path in places)
        return tuple(match[1] for match in found if match)

    def rows(self, stem: str = "") -> dict[str, list[ScoredPrediction]]:
        """The scored rows of ``predictions[.stem].jsonl`` by set; none where there is no file."""
        path = self.folder / f"predictions{f'.{stem}' if stem else ''}.jsonl"
        return read_scored(path) if path.exists() else {}

    def scores(self, name: str, metric: str) -> Mapping[str, float] | None:
        """A metric's score of each question of a set; None where there are no predictions."""
        return self._of_predictions[0].get((name, metric))

    @property
    def controls(self) -> Mapping[str, Controls]:
        """The controls of each set; none where there are no predictions."""
        return self._of_predictions[1]

    @cached_property
    def _of_predictions(
        self,
    ) -> tuple[dict[tuple[str, str], dict[str, float]], dict[str, Controls]]:
        # Instead of the predictions, which are many where many runs share a table.
        sets = self.rows()
        scores = {
            (name, key): {
                row.prediction.id: value * metric.scale
                for row in rows
                if (value := metric.value(row)) is not None
            }
            for name, rows in sets.items()
            for key, metric in METRICS.items()
        }
        return scores, {name: controls(rows) for name, rows in sets.items()}


def find_runs(roots: Sequence[Path]) -> list[FinishedRun]:
    """The finished runs in and below some folders, each once, in order of their paths.

    Raises:
        GritError: a folder is missing or holds no finished run, or a run's results are broken.
    """
    folders = (folder.resolve() for root in roots for folder in run_folders(root))
    return [FinishedRun.read(folder) for folder in dict.fromkeys(folders)]


def run_folders(root: Path, records: Sequence[str] = (RESULTS,)) -> list[Path]:
    """The folders in and below ``root`` that hold one of ``records``, in order of their paths.

    Raises:
        GritError: there is none.
    """
    if not root.is_dir():
        raise GritError(f"runs: {root} is not a folder; name folders of finished runs")
    found = []
    for folder, below, files in os.walk(root):
        if RESULTS in files:
            below.clear()  # a run holds no other runs
        if not set(records).isdisjoint(files):
            found.append(Path(folder))
    if not found:
        names = " or ".join(filter(None, (", ".join(records[:-1]), records[-1])))
        raise GritError(f"runs: no {names} in or below {root}; has a run finished there?")
    return sorted(found)


def read_scored(path: Path) -> dict[str, list[ScoredPrediction]]:
    """A run's own ``predictions.jsonl``, with the scores that stand in it, by set.

    Raises:
        GritError: names line and field of what is not as a run writes it.
    """
    sets: dict[str, list[ScoredPrediction]] = {}
    for row, prediction in predicted_rows(path):
        sets.setdefault(prediction.set, []).append(_scored(prediction, row))
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
