"""``task=attention``: figure 5 from finished runs."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from grit.config.schema import Config, FigureSettings
from grit.core.errors import GritError
from grit.figures.exhibit import write_exhibit
from grit.rollout.sampler import Sampler
from grit.runs.finished import FinishedRun
from grit.runs.folder import RunFolder
from grit.runs.job_log import Job
from grit.studies.attention_prefixes import can_be_cut, prefixes
from grit.studies.attention_study import study
from grit.studies.figure5 import (
    FIGURE5,
    METHODS,
    AttendingRun,
    Figure5,
    write_figure5,
)
from grit.studies.figure_runs import Unfinished
from grit.studies.studied_runs import distinct, measured, name_of, runs_of_jobs
from grit.studies.subsample import subsample
from grit.training.methods import prompting_of

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    figures = FigureSettings.of(config)
    runs = distinct([FinishedRun.with_predictions(each) for each in map(Path, config.runs)])
    mine = RunFolder.at(config, folder, overrides)
    found = [_attending(figures, run) for run in runs]
    mine.begin(config)
    for path in _write(_figure(figures, found, ()), folder):
        log.info("%s", path)


def build(
    figures: FigureSettings, sweep: Path, jobs: Sequence[Job], folder: Path
) -> Iterator[Path]:
    """Figure 5 of an experiment's jobs, whose runs lie in ``sweep``; yields the files' paths.

    ``figures`` says how to measure them. What has no run is marked as missing.

    Raises:
        GritError: after writing: a run that has finished could not be measured, for example because
            it has no chain with a box.
    """
    runs, unfinished = runs_of_jobs(sweep, jobs)
    found, unmeasured = measured(runs, lambda run: _attending(figures, run))
    shown = [one for _, one in found]
    yield from _write(_figure(figures, shown, [*unfinished, *unmeasured]), folder)
    if unmeasured:
        raise GritError(f"figure 5: {unmeasured[0].reason}")


def _write(figure: Figure5, folder: Path) -> Iterator[Path]:
    yield write_figure5(figure, folder)
    yield from write_exhibit(FIGURE5.exhibit([(folder, figure)]), folder)


def _figure(
    figures: FigureSettings, found: Sequence[AttendingRun], unfinished: Sequence[Unfinished]
) -> Figure5:
    settings = figures.attention
    return Figure5(settings.set, settings.samples, settings.tokens, found, unfinished, METHODS)


def _attending(figures: FigureSettings, run: FinishedRun) -> AttendingRun:
    settings = figures.attention
    said = [each for each in run.predictions if each.set == settings.set]
    grounded = [each for each in said if can_be_cut(each.completion)]
    if not grounded:
        raise GritError(
            f"attention.set={settings.set}: {run.folder} has no completion of this set with a box "
            "before <rethink>"
        )
    adapter, prompting = run.adapter(), prompting_of(run.settings.method)
    samples = []
    for each in subsample(grounded, settings.samples, figures.seed):
        prompt = prompting.encode(run.sample(each), adapter)
        samples.append(prefixes(prompt, each.completion, adapter, figures.seed))
    sampler = Sampler(adapter, run.settings.training.tokens_per_rollout_batch)
    name = name_of(run, [settings.set])
    return AttendingRun(name, len(said), study(samples, adapter, sampler, settings.tokens))
