"""Figure 5 of finished runs: where their attention goes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from grit.config.schema import FigureSettings
from grit.core.errors import GritError
from grit.figures.exhibit import write_exhibit
from grit.models.prompting import Prompting
from grit.rollout.sampler import Sampler
from grit.runs.finished import FinishedRun
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
from grit.studies.studied_runs import check_model, measured, name_of, runs_of_jobs
from grit.studies.subsample import subsample


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
    found, unmeasured = measured(runs, lambda run: attending(figures, run))
    shown = [row for _, row in found]
    yield from write_runs(figures, shown, [*unfinished, *unmeasured], folder)
    if unmeasured:
        raise GritError(f"figure 5: {unmeasured[0].reason}")


def write_runs(
    figures: FigureSettings,
    attending: Sequence[AttendingRun],
    unfinished: Sequence[Unfinished],
    folder: Path,
) -> Iterator[Path]:
    """Write ``figure5.json`` and the figure; yields the files' paths."""
    settings = figures.attention
    sizes = settings.set, settings.samples, settings.tokens
    figure = Figure5(*sizes, attending, unfinished, METHODS)
    yield write_figure5(figure, folder)
    yield from write_exhibit(FIGURE5.exhibit([(folder, figure)]), folder)


def attending(figures: FigureSettings, run: FinishedRun) -> AttendingRun:
    """The attention of a run's model on the boxes of its chains.

    Raises:
        GritError: no chain of the set has a box, or the run has no model.
    """
    settings = figures.attention
    check_model(run, "attention")
    said = [each for each in run.predictions if each.set == settings.set]
    grounded = [each for each in said if can_be_cut(each.as_written)]
    if not grounded:
        raise GritError(
            f"attention.set={settings.set}: {run.folder} has no completion of this set with a box "
            "before <rethink>"
        )
    adapter, method = run.adapter(attention="eager"), run.settings.method
    prompting = Prompting(method.suffix, method.example)
    samples, drawn = [], subsample(grounded, settings.samples, figures.seed)
    for each in drawn:
        prompt = prompting.encode(run.sample(each), adapter)
        samples.append(prefixes(prompt, each.as_written, adapter, figures.seed))
    sampler = Sampler(adapter, run.settings.rollout.tokens_per_batch)
    name = name_of(run, [settings.set])
    pictures = [each.picture for each in drawn]
    found = study(samples, adapter, sampler, settings.tokens, pictures)
    return AttendingRun(name, len(said), found)
