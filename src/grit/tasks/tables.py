"""``task=tables``: the paper's tables and figures from finished runs, or from a multirun's jobs."""

import logging
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from grit.config.checks import EXHIBITS, check_exhibits, check_folder_option
from grit.config.configuration import figure_settings
from grit.config.planned import asks_for, planned
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.library_noise import quieten
from grit.runs.job_log import Job, JobLog, Outcome
from grit.runs.judging import is_drawn
from grit.runs.printed import MINIATURES, MODELS
from grit.tasks import free_former_job

log = logging.getLogger(__name__)
MEASURED = {
    "figure4": ("grit.studies.correlated_runs", "Correlating"),
    "figure5": ("grit.studies.attending_runs", "Attending"),
    "faithfulness": ("grit.studies.faithful_runs", "AskingAgain"),
}
"""Exhibits that need the runs' pictures and models besides their results, and who measures them."""
OF_ACC = ("table1", "table3", "figure6")  # exhibits that show ACC next to the paper's


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Read ``runs`` and write ``exhibits``, or all of them if none is named, into the folder."""
    from grit.paper.building import BUILDERS, build  # imports torch, as the callback must not
    from grit.paper.evidence import evidence_of_sources

    evidence = evidence_of_sources(config.runs)
    log.info("%d runs", len(evidence.runs))
    for name in config.exhibits or BUILDERS:
        for path in build(name, evidence, folder):
            log.info("%s", path)


class WriteExhibits(Callback):
    """A Hydra callback that makes ``exhibits`` from a multirun's jobs, even if some failed."""

    def __init__(self) -> None:
        self.log: JobLog | None = None
        self.start = 0

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Note the size of the log of jobs; exit if the exhibits could not be made at the end."""
        try:
            _check(config)
        except GritError as error:
            print(f"grit: {error}", file=sys.stderr)
            sys.exit(1)  # Hydra would only warn of the error, and start the jobs
        self.log = JobLog.beside(config.exhibits, Path(config.hydra.sweep.dir))
        self.start = self.log.size()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Write tables and figures; exit with code 1 if a job or one of these failed."""
        assert self.log is not None
        jobs = self.log.since(self.start)
        failed = any(job.outcome is Outcome.failed for job in jobs)
        try:
            for error in _write(config, jobs):
                print(f"grit: {error}", file=sys.stderr)
                failed = True
        except Exception:  # any: Hydra would only warn of it, and exit with 0
            log.exception("the tables could not be made")
            failed = True
        if failed:
            sys.exit(1)


def _check(config: DictConfig) -> None:
    if not config.exhibits:
        raise GritError(f"exhibits=[]: name what to make of the runs: {', '.join(EXHIBITS)}")
    check_exhibits(list(config.exhibits))
    check_folder_option(config.hydra.overrides.hydra, multirun=True)
    if not MEASURED.keys().isdisjoint(config.exhibits):
        figure_settings(config)
    _check_judge(config)


def _check_judge(config: DictConfig) -> None:
    """Refuse ``judge=rules`` in exhibits next to the paper's ACC, unless it is given explicitly.

    Raises:
        GritError: rules would judge a full-size model, or answers about photographs.
    """
    shown = [name for name in config.exhibits if name in OF_ACC]
    if not shown or asks_for(config.hydra.overrides.task, "judge", "rules"):
        return
    for job in planned(config):
        model, suite = job.model.name, job.suite.name
        large = model in MODELS and model not in MINIATURES
        if job.judge.name == "rules" and (large or not is_drawn(suite)):
            raise GritError(
                f"{shown[0]} of model={model}, suite={suite}: the paper's judge is GPT-4o: say "
                "judge=openai, or judge=rules for ACC by a strict text rule"
            )


def _write(config: DictConfig, jobs: list[Job]) -> list[GritError]:
    """Write each exhibit and its page; return the errors, which do not stop the others."""
    from grit.paper.building import build  # imports torch
    from grit.paper.evidence import evidence_of_jobs
    from grit.paper.experiment_page import write_exhibit_page
    from grit.studies.measuring import measure_jobs

    sweep = Path(config.hydra.sweep.dir)
    evidence = evidence_of_jobs(sweep, jobs)
    errors = []
    for name in config.exhibits:
        try:
            paths: Iterable[Path]
            if name in MEASURED:
                quieten()
                free_former_job()
                settings = figure_settings(config)
                module, kind = MEASURED[name]
                measuring = getattr(import_module(module), kind)
                paths = measure_jobs(measuring, settings, sweep, jobs, sweep / name)
            else:
                paths = build(name, evidence, sweep / name)
            for path in paths:
                print(path)  # printed, since Hydra configures logging here
        except GritError as error:
            errors.append(error)
    for name in config.exhibits:  # after all are there: a page shows the others, too
        others = [other for other in config.exhibits if other != name]
        try:
            print(write_exhibit_page(name, sweep, evidence, _command(config), others))
        except GritError as error:
            errors.append(error)
    return errors


def _command(config: DictConfig) -> list[str]:
    """The overrides of the command line, without the mode that Hydra adds to them."""
    asked = config.hydra.overrides
    return [each for each in (*asked.hydra, *asked.task) if each != "hydra.mode=MULTIRUN"]
