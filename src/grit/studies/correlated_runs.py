"""Figure 4 of finished runs: whether their chains and boxes agree."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from grit.config.schema import FigureSettings
from grit.core.errors import GritError
from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.scenes import Scene
from grit.evaluation.predictions import Prediction
from grit.figures.exhibit import write_exhibit
from grit.judge.judge import check_failures, check_trouble, trouble_of, usage_of
from grit.judge.making import make_judge
from grit.judge.service import ServiceJudge
from grit.judge.settings import ServiceJudgeSettings
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job
from grit.studies.correlation_chains import chain_of, drawn_boxes
from grit.studies.correlation_judges import (
    Matcher,
    PictureMatcher,
    SceneMatcher,
    ShownPair,
)
from grit.studies.correlation_study import correlate
from grit.studies.figure4 import (
    FIGURE4,
    METHODS,
    WRITTEN,
    CorrelatedRun,
    Figure4,
    write_figure4,
)
from grit.studies.figure_runs import RunName, Unfinished
from grit.studies.studied_runs import measured, name_of, runs_of_jobs
from grit.studies.subsample import subsample

log = logging.getLogger(__name__)
WRITTEN_CHAINS = 20  # at least; as many as the paper's human-written ones


def correlated_runs(
    figures: FigureSettings, runs: Sequence[FinishedRun], matcher: Matcher
) -> list[CorrelatedRun]:
    """What was measured of runs, and of a perfect model where their questions are drawn."""
    rows = [correlated(figures, name_of(run), run, run.predictions, matcher) for run in runs]
    return rows + _of_written(figures, runs[0], matcher)


def build(
    figures: FigureSettings, sweep: Path, jobs: Sequence[Job], folder: Path
) -> Iterator[Path]:
    """Figure 4 of an experiment's jobs, whose runs lie in ``sweep``; yields the files' paths.

    ``figures`` says how to measure them. What has no run is marked as missing.

    Raises:
        GritError: after writing: a run that has finished could not be measured, or the judge has
            failed on more than it may.
    """
    runs, unfinished = runs_of_jobs(sweep, jobs)
    matcher = cache(lambda: make_matcher(figures))  # of no use without runs, and may need a key

    def measure(run: FinishedRun) -> CorrelatedRun:
        return correlated(figures, name_of(run), run, run.predictions, matcher())

    found, unmeasured = measured(runs, measure)
    shown = [row for _, row in found]
    if found:
        shown += _of_written(figures, found[0][0], matcher())
    yield from write_runs(figures, shown, [*unfinished, *unmeasured], folder)
    if unmeasured:
        raise GritError(f"figure 4: {unmeasured[0].reason}")
    if found:
        check_judged(matcher(), shown)


def check_judged(matcher: Matcher, rows: Sequence[CorrelatedRun]) -> None:
    """Tell what the judge has used, and raise JudgeFailed where the figure rests on too little."""
    if not isinstance(matcher, PictureMatcher):
        return
    judge = matcher.judge
    log.info("judge: %s", usage_of(judge))
    check_trouble(trouble_of(judge))
    failed = asked = 0
    for run in rows:
        for correlation in run.correlations.values():
            failed += correlation.failures
            asked += run.judged * len(correlation.repeats)
    check_failures(judge, failed, asked)


def write_runs(
    figures: FigureSettings,
    correlated: Sequence[CorrelatedRun],
    unfinished: Sequence[Unfinished],
    folder: Path,
) -> Iterator[Path]:
    """Write ``figure4.json`` and the figure; yields the files' paths."""
    settings = figures.correlation
    figure = Figure4(
        _judge_name(figures),
        settings.repeats,
        settings.chains,
        figures.seed,
        correlated,
        unfinished,
        METHODS,
    )
    yield write_figure4(figure, folder)
    yield from write_exhibit(FIGURE4.exhibit([(folder, figure)]), folder)


def make_matcher(figures: FigureSettings) -> Matcher:
    """The judge of the figure that belongs to the judge of the configuration.

    Raises:
        GritError: there is no such judge, or no key for its service.
    """
    if not isinstance(figures.judge, ServiceJudgeSettings):
        make_judge(figures.judge)  # there has to be such a judge
        return SceneMatcher()
    from grit.judge.picture_pairs import Comparison, compare_pictures  # imports openai

    judge = ServiceJudge(figures.judge)

    def compare(pairs: Sequence[ShownPair]) -> list[float | None]:
        shown = [Comparison(*pair) for pair in pairs]
        return compare_pictures(judge, shown, seed=figures.seed)

    return PictureMatcher(judge, compare)


def _judge_name(figures: FigureSettings) -> str:
    judge = figures.judge  # its prompt is for answers: pictures are asked about by one of their own
    return (
        f"{judge.name} ({judge.model})" if isinstance(judge, ServiceJudgeSettings) else judge.label
    )


def correlated(
    figures: FigureSettings,
    name: RunName,
    run: FinishedRun,
    predictions: Sequence[Prediction],
    matcher: Matcher,
) -> CorrelatedRun:
    """The correlation of a run's chains, drawn from ``predictions``, with their boxes."""
    settings = figures.correlation
    rows = [each for each in predictions if not each.truth_is_box]  # the paper leaves OVDEval out
    grounded = [each for each in rows if drawn_boxes(each)]
    drawn = subsample(grounded, settings.chains, figures.seed)
    chains = [chain_of(each, run.sample(each).picture) for each in drawn]
    found = correlate(
        [chain for chain in chains if chain is not None],
        matcher,
        repeats=settings.repeats,
        seed=figures.seed,
    )
    return CorrelatedRun(name, len(rows), len(grounded), len(chains), found)


def _of_written(figures: FigureSettings, run: FinishedRun, matcher: Matcher) -> list[CorrelatedRun]:
    """The row of what a perfect model would have said to a run's questions, if any are drawn."""
    written = _written(run)
    if not written:
        return []
    of_run = name_of(run)
    name = RunName("", of_run.model, of_run.data, WRITTEN, of_run.seed, "")
    return [correlated(figures, name, run, written, matcher)]


def _written(run: FinishedRun) -> list[Prediction]:
    """What a perfect model would have said to some questions about drawn scenes."""
    annotated = [each for each in run.predictions if each.true_boxes and not each.truth_is_box]
    per_set = -(-WRITTEN_CHAINS // max(1, len({each.set for each in annotated})))
    written = []
    for each in subsample(annotated, per_set):
        sample = run.sample(each)
        if isinstance(sample.picture, Scene):
            completion = ideal_trace(sample, sample.space)
            written.append(replace(each, completion=completion, written=None, spoken=sample.space))
    return written
