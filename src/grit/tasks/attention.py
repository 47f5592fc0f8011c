"""``task=attention``: figure 5 from finished runs."""

import logging
from pathlib import Path

from grit.config.schema import Config, FigureSettings
from grit.runs.finished import FinishedRun
from grit.runs.folder import RunFolder
from grit.studies.attending_runs import attending, write_runs
from grit.studies.studied_runs import distinct

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    figures = FigureSettings.of(config)
    runs = distinct([FinishedRun.with_predictions(Path(name)) for name in config.runs])
    mine = RunFolder.at(config, folder, overrides)
    measured = [attending(figures, run) for run in runs]
    mine.begin(config)
    for path in write_runs(figures, measured, (), folder):
        log.info("%s", path)
