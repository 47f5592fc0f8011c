"""``report.html`` of many runs: of an experiment's jobs, or of runs that are named."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path
from urllib.parse import quote

import yaml

from grit.core.files import write_text
from grit.figures.exhibit import Exhibit, exhibit_html
from grit.figures.places import without_places
from grit.pages.differences import run_labels, shared_settings
from grit.pages.experiment import ExperimentData, RunSummary, Section, render_experiment
from grit.pages.galleries import galleries_of
from grit.pages.summary import duration
from grit.pages.training_curves import Curves, mean_curves
from grit.paper.building import BUILDERS
from grit.paper.evidence import FIGURES, Evidence
from grit.paper.notes import parts_of_job
from grit.runs.draws import draw_of
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job
from grit.runs.repetitions import MOST, is_trained, repetitions, seeds_label, title_of
from grit.runs.results import git_commit
from grit.runs.twins import distinctions


def write_page(
    path: Path,
    title: str,
    runs: Sequence[FinishedRun],
    sections: Sequence[Section],
    overrides: Sequence[str],
    *,
    failed: Sequence[Job] = (),
) -> Path:
    """Write the page and give its path.

    Args:
        path: where it goes; links to the runs' own pages start from there.
        title: its heading.
        runs: what has finished.
        sections: tables and figures, which come first.
        overrides: the command line that asked for it.
        failed: jobs without results, with their reasons.
    """
    names = run_labels(runs)
    galleries = galleries_of(runs, names)
    shared = shared_settings([run.config for run in runs if run.config])
    data = ExperimentData(
        title=title,
        runs=[
            *(_summary(run, name, path) for run, name in zip(runs, names, strict=True)),
            *map(_failure, failed),
        ],
        sections=sections,
        curves=_curves(runs),
        galleries=galleries.of_runs,
        chains_notes=galleries.notes,
        config=yaml.safe_dump(shared, sort_keys=False, allow_unicode=True) if shared else "",
        meta=_about(runs, overrides),
    )
    write_text(path, render_experiment(data))
    return path


def write_exhibit_page(
    name: str,
    sweep: Path,
    evidence: Evidence,
    overrides: Sequence[str],
    beside: Sequence[str] = (),
) -> Path:
    """Write the page about a table or figure and all that it was made of, and give its path.

    Args:
        name: of the exhibit.
        sweep: where each exhibit has a folder with its files.
        evidence: what it was made of.
        overrides: the command line that asked for it.
        beside: other exhibits of the same runs, which stand below it.
    """
    exhibit = _of_folder(name, sweep / name, evidence)
    kind = "The table" if name.startswith("table") else "The figure"
    others = [_of_folder(other, sweep / other, evidence) for other in beside]
    return write_page(
        sweep / name / "report.html",
        exhibit.title,
        [run for run in evidence.runs if isinstance(run, FinishedRun)],
        [
            Section(kind, exhibit_html(exhibit)),  # the exhibit's own title is that of the page
            *(Section(other.title, exhibit_html(other)) for other in others),
        ],
        overrides,
        failed=evidence.failed,
    )


def _of_folder(name: str, folder: Path, evidence: Evidence) -> Exhibit:
    figures = [path for each in FIGURES if (path := folder / each).is_file()]
    return BUILDERS[name](replace(evidence, figures=figures))


def _summary(run: FinishedRun, name: str, path: Path) -> RunSummary:
    if run.page is None:
        return RunSummary(name, run.results)
    link = relpath(run.page.resolve(), path.parent.resolve())
    return RunSummary(name, run.results, quote(Path(link).as_posix()))


def _failure(job: Job) -> RunSummary:
    parts = (part.removeprefix("data=") for part in parts_of_job(job))
    name = " · ".join([job.model, job.method, *parts])
    return RunSummary(name, note=without_places(job.error or "another process works at it"))


def _curves(runs: Sequence[FinishedRun]) -> list[Curves]:
    groups = [[runs[at] for at in places] for places in repetitions(runs)]
    trained = [group for group in groups if is_trained(group[0].results)][:MOST]
    titles = _told_apart([group[0] for group in trained])
    curves = []
    for group, title in zip(trained, titles, strict=True):
        title = seeds_label(title, [draw_of(run.results) for run in group])
        curves.append(mean_curves(title, [run.metrics() for run in group]))
    return curves


def _told_apart(runs: Sequence[FinishedRun]) -> list[str]:
    """A title for each group of repetitions, with what tells it from those of the same name."""
    names = [title_of(run.results) for run in runs]
    titles = list(names)
    for name in set(names):
        places = [place for place, other in enumerate(names) if other == name]
        if len(places) == 1:
            continue
        told = distinctions([runs[place].config for place in places])
        unknown = len(set(told)) < len(told)
        results = [runs[place].results for place in places]
        of_code = len({found.settings_hash for found in results}) == 1  # settings do not differ
        for place, settings, found in zip(places, told, results, strict=True):
            fingerprint = f"settings {found.settings_hash or 'unknown'}"
            if of_code:
                fingerprint = f"code {found.code or 'unknown'}"
            titles[place] = " · ".join([name, *settings, *([fingerprint] if unknown else [])])
    return titles


def _about(runs: Sequence[FinishedRun], overrides: Sequence[str]) -> dict[str, str]:
    commits = dict.fromkeys(run.results.git for run in runs if run.results.git)
    found = [commit[:12] for commit in (commits or [git_commit() or "not in a repository"])]
    about = {
        "commit": ", ".join(found),
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": shlex.join(["python", "-m", "grit", *overrides]),
    }
    seconds = [run.seconds for run in runs]
    if known_times := [each for each in seconds if each is not None]:
        about["runs took"] = duration(sum(known_times))
    return about
