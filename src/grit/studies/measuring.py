"""What the studies of finished runs do alike: measure, write, and say what went wrong."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch

from grit.config.schema import Config, FigureSettings
from grit.core.errors import GritError
from grit.figures.exhibit import write_exhibit
from grit.judge.judge import Judge, check_failures, check_trouble
from grit.judge.settings import JudgeSettings, ServiceJudgeSettings
from grit.runs.finished import FinishedRun
from grit.runs.folder import RunFolder
from grit.runs.job_log import Job
from grit.studies.figure_runs import OfRun, Unfinished
from grit.studies.record import Figure, Study
from grit.studies.studied_runs import distinct, name_of, runs_of_jobs

T = TypeVar("T", bound=OfRun)
log = logging.getLogger(__name__)
NO_MEMORY = "the GPU's memory is full: measure this run by itself, or on a larger GPU"


class Measuring(ABC, Generic[T]):
    """How a study measures a run, as a ``T``, and writes what it found.

    Args:
        figures: its settings.
        folder: of its files.
    """

    name: ClassVar[str]  # in error lines
    study: ClassVar[Study[Any]]  # how it is shown
    leaves_out: ClassVar[tuple[str, ...]] = ()  # methods that have nothing to measure

    def __init__(self, figures: FigureSettings, folder: Path) -> None:
        self.figures, self.folder = figures, folder

    @abstractmethod
    def measure(self, run: FinishedRun) -> T:
        """Measure a run; raises GritError for one that cannot be measured."""

    def beside(self, run: FinishedRun) -> list[T]:
        """What stands beside the runs and comes of none, made from the questions of ``run``."""
        return []

    @abstractmethod
    def figure(self, rows: Sequence[T], unfinished: Sequence[Unfinished]) -> Figure[T]:
        """What was measured, and how."""

    def write(self, rows: Sequence[T], unfinished: Sequence[Unfinished]) -> Iterator[Path]:
        """Write the record and the figure; yields the files' paths."""
        figure = self.figure(rows, unfinished)
        yield self.study.write(figure, self.folder)
        yield from write_exhibit(self.study.exhibit([(self.folder, figure)]), self.folder)

    def check_judged(self, rows: Sequence[T]) -> None:  # figure 5 has no judge
        """Raise JudgeFailed where a judge has failed on more than it may."""


def measure_runs(
    kind: type[Measuring[T]], config: Config, folder: Path, overrides: list[str]
) -> None:
    """Measure the runs that ``runs`` names; the files go to ``folder``.

    Raises:
        GritError: a run cannot be measured; nothing is written.
        JudgeFailed: the judge has failed on more than it may; the files are written before.
    """
    runs = distinct([FinishedRun.with_predictions(Path(name)) for name in config.runs])
    # Folders may come from another machine, where data lie elsewhere.
    runs = [replace(run, suite_root=config.suite.root) for run in runs]
    study, mine = kind(FigureSettings.of(config), folder), RunFolder.at(config, folder, overrides)
    rows = [study.measure(run) for run in runs] + study.beside(runs[0])
    mine.begin(config)
    for path in study.write(rows, ()):
        log.info("%s", path)
    study.check_judged(rows)


def measure_jobs(
    kind: type[Measuring[T]],
    figures: FigureSettings,
    sweep: Path,
    jobs: Sequence[Job],
    folder: Path,
) -> Iterator[Path]:
    """Measure an experiment's jobs, whose runs lie in ``sweep``; yields the files' paths.

    What has no run, or cannot be measured, is marked as missing.

    Raises:
        GritError: after writing: a run that has finished could not be measured.
        JudgeFailed: after writing: the judge has failed on more than it may.
    """
    runs, unfinished = runs_of_jobs(sweep, [j for j in jobs if j.method not in kind.leaves_out])
    study = kind(figures, folder)
    rows, measured, unmeasured = [], [], []
    for run in runs:
        try:
            rows.append(study.measure(run))
            measured.append(run)
        except (GritError, torch.OutOfMemoryError) as error:
            name = name_of(run)
            of = name.model, name.data, name.method, name.seed
            reason = str(error) if isinstance(error, GritError) else NO_MEMORY
            unmeasured.append(Unfinished(name.folder, reason, *of))
    if measured:
        rows += study.beside(measured[0])
    yield from study.write(rows, [*unfinished, *unmeasured])
    if unmeasured:
        raise GritError(f"{kind.name}: {unmeasured[0].reason}")
    if measured:
        study.check_judged(rows)


def check_use(judge: Judge, failed: int, asked: int) -> None:
    """Tell what a judge has used, and raise JudgeFailed where it has failed on too much."""
    if (usage := judge.take_usage()) is not None:
        log.info("judge: %s", usage)
    check_trouble(judge.trouble)
    check_failures(judge, failed, asked)


def with_model(label: str, judge: JudgeSettings) -> str:
    """A judge by its label, with the model where a service judges."""
    return f"{label} ({judge.model})" if isinstance(judge, ServiceJudgeSettings) else label
