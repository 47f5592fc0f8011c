"""The runs that tables and figures are made of: found in folders, named by jobs, or in W&B."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from grit.errors import GritError
from grit.evaluation.metrics import METRICS
from grit.jobs import Job, Outcome
from grit.reporting.exhibits.wandb_runs import PREFIX, runs_of_project
from grit.reporting.results import SCHEMA_VERSION, Results, parse_results

Scores = Mapping[str, float]  # question -> score


@dataclass(frozen=True)
class Run:
    """A finished run: its results, and where its predictions may lie."""

    name: str
    results: Results
    folder: Path | None = None

    def scores(self, name: str, metric: str) -> Scores | None:
        """A metric's score of each question of a set; None where there are no predictions."""
        kind = METRICS[metric]
        if self._predictions is None:
            return None
        return {
            row["id"]: row[kind.score] * kind.scale
            for row in self._predictions
            if row["set"] == name and row[kind.score] is not None
        }

    @cached_property
    def _predictions(self) -> list[dict[str, Any]] | None:
        path = None if self.folder is None else self.folder / "predictions.jsonl"
        if path is None or not path.exists():
            return None
        kept = ("set", "id", *(kind.score for kind in METRICS.values()))
        try:
            with path.open(encoding="utf-8") as stream:
                rows = [json.loads(line) for line in stream]
            return [{key: row[key] for key in kept} for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise GritError(f"{path}: is not the predictions of a run: {error}") from error


@dataclass(frozen=True)
class Evidence:
    """All that tables and figures may be made of."""

    runs: Sequence[Run] = ()
    folders: Mapping[str, Path] = field(default_factory=dict)  # of all jobs, by a title
    failed: Sequence[Job] = ()
    notes: Sequence[str] = ()  # what was found and cannot be used


def evidence_of_jobs(sweep: Path, jobs: Sequence[Job]) -> Evidence:
    """What an experiment's jobs have left below ``sweep``."""
    ended = {job.folder: job for job in jobs if _has_ended(sweep, job)}
    # A method without training has one run for all seeds: it counts if one attempt ended well.
    failed = [job for job in jobs if job.folder not in ended]
    runs, notes = _read([sweep / name for name in ended])
    folders = {job.suite: sweep / name for name, job in ended.items()}
    return Evidence(runs, folders, failed, notes)


def _has_ended(sweep: Path, job: Job) -> bool:
    if job.outcome is Outcome.elsewhere:
        return any((sweep / job.folder / name).exists() for name in RECORDS)
    return job.outcome is not Outcome.failed


def evidence_of_sources(sources: Sequence[str]) -> Evidence:
    """What lies in folders of runs, in folders of many runs, or in W&B projects.

    Args:
        sources: folders, or ``wandb:ENTITY/PROJECT``.

    Raises:
        GritError: a source holds no run at all.
    """
    runs: list[Run] = []
    folders: dict[str, Path] = {}
    notes: list[str] = []
    for source in sources:
        if source.startswith(PREFIX):
            logged, problems = runs_of_project(source)
            found = [Run(name, results) for name, results in logged]
        else:
            places = _folders(Path(source))
            folders |= {place.name: place for place in places}
            found, problems = _read(places)
        runs += found
        notes += problems
    return Evidence(runs, folders, (), notes)


def _folders(source: Path) -> list[Path]:
    if not source.is_dir():
        raise GritError(f"runs={source}: is not a folder")
    found = {path.parent for name in RECORDS for path in source.rglob(name)}
    if not found:
        raise GritError(f"runs={source}: holds no {' or '.join(RECORDS)}, of a run or of several")
    return sorted(found)


RECORDS = ("results.json", "table2.json")  # what makes a folder one of a finished run


def _read(folders: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Runs whose results this version understands, and what the others are."""
    runs, notes = [], []
    for folder in folders:
        path = folder / "results.json"
        if not path.exists():
            continue
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise GritError(f"{path}: is not valid JSON: {error}") from error
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            notes.append(f"{path} is left out: its schema_version is {version}")
            continue
        runs.append(Run(str(folder), parse_results(str(path), fields), folder))
    return runs, notes
