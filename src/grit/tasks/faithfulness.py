"""``task=faithfulness``: whether finished runs' answers rest on what their chains point at."""

import logging
from pathlib import Path

from grit.config.schema import Config, FigureSettings
from grit.runs.finished import FinishedRun
from grit.runs.folder import RunFolder
from grit.studies.faithful_runs import check_judged, faithful, ready_judge, write_runs
from grit.studies.studied_runs import distinct

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``.

    Raises:
        JudgeFailed: the judge failed on too many answers; the files are written before.
    """
    figures = FigureSettings.of(config)
    runs = distinct([FinishedRun.with_predictions(Path(name)) for name in config.runs])
    judge = ready_judge(figures)
    mine = RunFolder.at(config, folder, overrides)
    measured = [faithful(figures, run, judge, folder) for run in runs]
    mine.begin(config)
    for path in write_runs(figures, measured, (), folder):
        log.info("%s", path)
    check_judged(judge, measured)
