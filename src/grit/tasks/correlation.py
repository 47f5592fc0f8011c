"""``task=correlation``: figure 4 from finished runs."""

import logging
from pathlib import Path

from grit.config.schema import Config, FigureSettings
from grit.runs.finished import FinishedRun
from grit.runs.folder import RunFolder
from grit.studies.correlated_runs import check_judged, correlated_runs, make_matcher, write_runs
from grit.studies.studied_runs import distinct

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``.

    Raises:
        JudgeFailed: the judge failed on too many queries; the files are written before.
    """
    figures = FigureSettings.of(config)
    runs = distinct([FinishedRun.with_predictions(Path(name)) for name in config.runs])
    matcher = make_matcher(figures)
    mine = RunFolder.at(config, folder, overrides)
    correlated = correlated_runs(figures, runs, matcher)
    mine.begin(config)
    for path in write_runs(figures, correlated, (), folder):
        log.info("%s", path)
    check_judged(matcher, correlated)
