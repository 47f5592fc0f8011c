"""The runs that tables and figures are made of: found in folders, named by jobs, or in W&B."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from grit.evaluation.controls import Controls, controls
from grit.evaluation.metrics import METRICS
from grit.paper.wandb_runs import PREFIX, runs_of_project
from grit.runs.finished import RESULTS, FinishedRun, run_folders
from grit.runs.job_log import Job, Outcome
from grit.runs.results import OtherSchema, Results

RECORDS = (RESULTS, "table2.json")  # a folder with one of them is evidence
FIGURES = ("figure4.json", "figure5.json")  # these hold what was measured of many runs
Scores = Mapping[str, float]  # question -> score


@dataclass(frozen=True)
class Run:
    """The results of a finished run by a name, and the run itself where it is not in W&B."""

    name: str
    results: Results
    finished: FinishedRun | None = None
    logged: Mapping[str, Any] = field(default_factory=dict)  # the configuration that W&B keeps

    @property
    def config(self) -> Mapping[str, Any]:
        """Its resolved configuration; empty where nobody knows it.

        Raises:
            GritError: its file is damaged.
        """
        return self.logged if self.finished is None else self.finished.config

    def scores(self, name: str, metric: str) -> Scores | None:
        """A metric's score of each question of a set; None where there are no predictions."""
        return self._told[0].get((name, metric))

    @property
    def controls(self) -> Mapping[str, Controls]:
        """The controls of each set; none where there are no predictions."""
        return self._told[1]

    @cached_property
    def _told(self) -> tuple[dict[tuple[str, str], Scores], dict[str, Controls]]:
        # All that is kept of the predictions, which are many where many runs share a table.
        sets = {} if self.finished is None else self.finished.rows()
        scores: dict[tuple[str, str], Scores] = {
            (name, metric): {
                row.prediction.id: value * kind.scale
                for row in rows
                if (value := kind.value(row)) is not None
            }
            for name, rows in sets.items()
            for metric, kind in METRICS.items()
        }
        return scores, {name: controls(rows) for name, rows in sets.items()}


@dataclass(frozen=True)
class Evidence:
    """All that tables and figures may be made of."""

    runs: Sequence[Run] = ()
    folders: Mapping[str, Path] = field(default_factory=dict)  # of all jobs, by a title
    failed: Sequence[Job] = ()
    figures: Sequence[Path] = ()  # files by the names of FIGURES
    notes: Sequence[str] = ()  # what was found and cannot be used


def evidence_of_jobs(sweep: Path, jobs: Sequence[Job]) -> Evidence:
    """What an experiment's jobs have left below ``sweep``."""
    ended = {job.folder: job for job in jobs if has_ended(sweep, job)}
    # A method without training has one run for all seeds: it counts if one attempt ended well.
    failed = [job for job in jobs if job.folder not in ended]
    runs, notes = _read([sweep / name for name in ended])
    folders = {job.suite: sweep / name for name, job in ended.items()}
    return Evidence(runs, folders, failed, notes=notes)


def has_ended(sweep: Path, job: Job) -> bool:
    """Whether a job's folder has what became of it, whoever did it."""
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
    figures: list[Path] = []
    notes: list[str] = []
    for source in sources:
        if source.startswith(PREFIX):
            logged, problems = runs_of_project(source)
            found = [Run(each.name, each.results, logged=each.config) for each in logged]
        else:
            places = run_folders(Path(source), (*RECORDS, *FIGURES))
            figures += [place / name for place in places for name in FIGURES]
            folders |= {place.name: place for place in places}
            found, problems = _read(places)
        runs += found
        notes += problems
    # A folder may be named twice, by itself and by one above it.
    there = {path.resolve(): path for path in figures if path.exists()}
    return Evidence(runs, folders, figures=list(there.values()), notes=notes)


def _read(folders: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Runs whose results this version understands, and what the others are."""
    runs, notes = [], []
    for folder in folders:
        if not (folder / RESULTS).exists():
            continue
        try:
            found = FinishedRun.read(folder)
        except OtherSchema as error:
            notes.append(f"left out: {error}")
            continue
        runs.append(Run(str(folder), found.results, found))
    return runs, notes
