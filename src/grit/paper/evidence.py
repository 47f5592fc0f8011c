"""The runs that tables and figures are made of: found in folders, named by jobs, or in W&B."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grit.paper.wandb_runs import PREFIX, LoggedRun, runs_of_project
from grit.runs.finished import FinishedRun, run_folders
from grit.runs.job_log import RECORDS, Job, has_results
from grit.runs.results import OtherSchema
from grit.runs.run_record import RESULTS

FIGURES = (
    "figure4.json",
    "figure5.json",
    "faithfulness.json",
)  # these hold what was measured of many runs
Run = FinishedRun | LoggedRun


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
    ended = {job.folder: job for job in jobs if has_results(sweep, job)}
    # A method without training has one run for all seeds: it counts if one attempt ended well.
    failed = [job for job in jobs if job.folder not in ended]
    runs, notes = _read([sweep / name for name in ended])
    folders = {job.suite: sweep / name for name, job in ended.items()}
    return Evidence(runs, folders, failed, notes=notes)


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
            runs += logged
        else:
            places = run_folders(Path(source), (*RECORDS, *FIGURES))
            figures += [place / name for place in places for name in FIGURES]
            _name(folders, places)
            finished, problems = _read(places)
            runs += finished
        notes += problems
    # A folder may be named twice, by itself and by one above it.
    there = {path.resolve(): path for path in figures if path.exists()}
    return Evidence(runs, folders, figures=list(there.values()), notes=notes)


def _name(folders: dict[str, Path], places: Sequence[Path]) -> None:
    """Add ``places`` by their last parts, of which one has more where others have the same."""
    for place in places:
        parts = place.resolve().parts
        for length in range(1, len(parts) + 1):
            title = "/".join(parts[-length:])
            if folders.setdefault(title, place).resolve() == place.resolve():
                break


def _read(folders: Sequence[Path]) -> tuple[list[FinishedRun], list[str]]:
    """Runs whose results this version understands, and what the others are."""
    runs, notes = [], []
    for folder in folders:
        if (folder / RESULTS).exists():
            try:
                runs.append(FinishedRun.read(folder))
            except OtherSchema as error:
                notes.append(f"left out: {error}")
    return runs, notes
