"""``task=report``: many finished runs in one page, and as a W&B report."""

import json
import logging
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from grit.configuration import checked
from grit.errors import GritError
from grit.files import write_json
from grit.reporting.differences import run_labels
from grit.reporting.experiment import ExperimentData, RunSummary, experiment_report
from grit.reporting.finished import FinishedRun, find_runs
from grit.reporting.gallery import BUDGET, Gallery, PictureOf, gallery
from grit.reporting.results import git_commit
from grit.reporting.runs_table import runs_markdown
from grit.reporting.wandb_log import wandb_mode
from grit.reporting.wandb_report import Contents, default_entity, save, spec, wandb_report
from grit.schema import Config
from grit.tasks.questions import find_sets, pictures_of

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report

log = logging.getLogger(__name__)
MOST_GALLERIES = 12  # runs whose chains are shown


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Write ``report.html`` and ``wandb_report.json`` into ``folder``; save the report if online.

    Raises:
        GritError: a folder holds no finished run, a run's file is broken, or W&B is to be online
            and is not.
    """
    runs = find_runs([Path(root) for root in config.runs])
    names = run_labels(runs)
    title = _title(config.runs)
    contents = Contents(title, runs, runs_markdown(runs, names))
    # Before anything is written, because it reads the runs' configurations.
    report = wandb_report(
        contents, entity=config.logger.entity or "", project=config.logger.project
    )
    folder.mkdir(parents=True, exist_ok=True)
    experiment_report(
        folder / "report.html",
        ExperimentData(
            title=title,
            runs=[_summary(run, name, folder) for run, name in zip(runs, names, strict=True)],
            galleries=_galleries(runs, names),
            meta={
                "commit": (git_commit() or "not in a repository")[:12],
                "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                "command": shlex.join(["python", "-m", "grit", *overrides]),
            },
        ),
    )
    log.info("%s", folder / "report.html")
    _to_wandb(config, folder, report)


def _to_wandb(config: Config, folder: Path, report: "Report") -> None:
    file = folder / "wandb_report.json"
    write_json(file, spec(report))
    log.info("%s", file)
    if config.logger.name != "wandb" or wandb_mode(config.logger.mode) != "online":
        return
    try:
        if not config.logger.entity:
            report.entity = default_entity()
            write_json(file, spec(report))
        log.info("%s", save(report))
    except GritError as error:
        raise GritError(f"{error} ({folder} has report.html and {file.name})") from error


def _title(roots: Sequence[str]) -> str:
    names = [Path(root).resolve().name for root in roots]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _summary(run: FinishedRun, name: str, folder: Path) -> RunSummary:
    link = None if run.page is None else Path(relpath(run.page, folder.resolve())).as_posix()
    return RunSummary(name, run.results, link)


def _galleries(runs: Sequence[FinishedRun], names: Sequence[str]) -> dict[str, Gallery]:
    shown = list(zip(runs, names, strict=True))[:MOST_GALLERIES]
    pictures: dict[str, PictureOf] = {}  # by suite, because its scenes take time to draw
    found = {}
    for run, name in shown:
        suite = json.dumps(run.config.get("suite"), sort_keys=True)
        if suite not in pictures:
            pictures[suite] = _pictures(run)
        budget = BUDGET // len(shown)
        found[name] = gallery(run.rows("before"), run.rows(), pictures[suite], budget=budget)
    return found


def _pictures(run: FinishedRun) -> PictureOf:
    """The images of a run's test questions, where its configuration still leads to them."""
    try:
        return pictures_of(find_sets(checked(OmegaConf.create(dict(run.config)))))
    except GritError as error:
        log.info("%s: the chains are shown without their images: %s", run.folder, error)
        return lambda name, row: None
