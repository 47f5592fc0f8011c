"""``task=report``: a page and a W&B report about many finished runs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.figures.exhibit import exhibit_html, exhibit_markdown
from grit.pages.differences import run_labels
from grit.pages.experiment import Section
from grit.pages.grids import runs_markdown
from grit.paper.building import with_data
from grit.paper.evidence import evidence_of_sources
from grit.paper.experiment_page import write_page
from grit.runs.finished import find_runs
from grit.tracking.wandb_log import wandb_mode
from grit.tracking.wandb_report import default_entity, logged_at, save, spec, wandb_report

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Write ``report.html`` and ``wandb_report.json`` into ``folder``; save the report if online.

    Both contain those of the paper's tables and figures for which the runs have data, and which of
    the runs are of another schema version and therefore left out.

    Raises:
        GritError: a folder has no finished run, a run's file is invalid, or W&B cannot be reached
            although it should be online.
    """
    runs = find_runs([Path(root) for root in config.runs])
    title = _title(config.runs)
    exhibits = with_data(evidence_of_sources(config.runs))
    tables = {exhibit.title: exhibit_markdown(exhibit) for exhibit in exhibits}
    tables |= runs_markdown([run.results for run in runs], run_labels(runs))
    # Before anything is written, because reading the runs' configurations may fail.
    entity = logged_at("entity", config.logger.entity, runs, overrides) or ""
    project = logged_at("project", config.logger.project, runs, overrides) or ""
    report = wandb_report(title, runs, tables, entity=entity, project=project)
    folder.mkdir(parents=True, exist_ok=True)
    sections = [Section(exhibit.title, exhibit_html(exhibit)) for exhibit in exhibits]
    log.info("%s", write_page(folder / "report.html", title, runs, sections, overrides))
    _to_wandb(config, folder, report)


def _to_wandb(config: Config, folder: Path, report: "Report") -> None:
    file = folder / "wandb_report.json"
    write_json(file, spec(report))
    log.info("%s", file)
    if config.logger.name != "wandb" or wandb_mode(config.logger.mode) != "online":
        return
    try:
        if not report.entity:
            report.entity = default_entity()
            write_json(file, spec(report))
        log.info("%s", save(report))
    except GritError as error:
        raise GritError(f"{error} ({folder} has report.html and {file.name})") from error


def _title(roots: Sequence[str]) -> str:
    names = [Path(root).resolve().name for root in roots]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
