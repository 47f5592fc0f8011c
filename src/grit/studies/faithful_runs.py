"""Faithfulness of finished runs: whether their answers rest on what their chains point at."""

import logging
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from grit.config.schema import FigureSettings
from grit.core.errors import GritError
from grit.figures.exhibit import write_exhibit
from grit.judge.judge import Judge, check_failures, check_trouble, meet, trouble_of, usage_of
from grit.judge.making import make_judge
from grit.judge.settings import ServiceJudgeSettings
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job
from grit.studies.asking_again import asking
from grit.studies.changed_pictures import changed_pictures
from grit.studies.faithfulness_figure import (
    FAITHFULNESS,
    METHODS,
    FaithfulnessFigure,
    FaithfulRun,
    write_faithfulness,
)
from grit.studies.faithfulness_study import Question, faithfulness
from grit.studies.figure_runs import Unfinished
from grit.studies.kept_chains import AnsweredChain, answered_chain
from grit.studies.studied_runs import check_model, measured, name_of, runs_of_jobs
from grit.studies.subsample import subsample

log = logging.getLogger(__name__)


def build(
    figures: FigureSettings, sweep: Path, jobs: Sequence[Job], folder: Path
) -> Iterator[Path]:
    """The figure of an experiment's jobs, whose runs lie in ``sweep``; yields the files' paths.

    ``figures`` says how to measure them. What has no run is marked as missing; runs of
    ``method=direct``, which has no chains, are left out.

    Raises:
        GritError: after writing: a run that has finished could not be measured, or the judge has
            failed on more than it may.
    """
    jobs = [job for job in jobs if job.method != "direct"]
    runs, unfinished = runs_of_jobs(sweep, jobs)
    judge = cache(lambda: ready_judge(figures))  # of no use without runs, and may need a key
    found, unmeasured = measured(runs, lambda run: faithful(figures, run, judge(), folder))
    shown = [row for _, row in found]
    yield from write_runs(figures, shown, [*unfinished, *unmeasured], folder)
    if unmeasured:
        raise GritError(f"faithfulness: {unmeasured[0].reason}")
    if found:
        check_judged(judge(), shown)


def ready_judge(figures: FigureSettings) -> Judge:
    """The judge of the configuration; raises GritError if it will not answer."""
    judge = make_judge(figures.judge)
    meet(judge)
    return judge


def check_judged(judge: Judge, rows: Sequence[FaithfulRun]) -> None:
    """Tell what the judge has used, and raise JudgeFailed where the figure rests on too little."""
    if (usage := usage_of(judge)) is not None:
        log.info("judge: %s", usage)
    check_trouble(trouble_of(judge))
    found = [row.overall for row in rows]
    check_failures(judge, sum(each.failures for each in found), sum(each.answers for each in found))


def write_runs(
    figures: FigureSettings,
    faithful_runs: Sequence[FaithfulRun],
    unfinished: Sequence[Unfinished],
    folder: Path,
) -> Iterator[Path]:
    """Write ``faithfulness.json`` and the figure; yields the files' paths."""
    settings = figures.faithfulness
    how = _judge_name(figures), settings.mask, settings.questions, settings.draws, figures.seed
    figure = FaithfulnessFigure(*how, faithful_runs, unfinished, METHODS)
    yield write_faithfulness(figure, folder)
    yield from write_exhibit(FAITHFULNESS.exhibit([(folder, figure)]), folder)


def _judge_name(figures: FigureSettings) -> str:
    judge = figures.judge
    if isinstance(judge, ServiceJudgeSettings):
        return f"{judge.label} ({judge.model})"
    return judge.label


def faithful(figures: FigureSettings, run: FinishedRun, judge: Judge, folder: Path) -> FaithfulRun:
    """Ask a run's model its questions again, with something taken away from their pictures.

    ``folder`` is for the log of an engine that is started.

    Raises:
        GritError: no completion has boxes in a chain before its answer; or the test sets or the
            model of the run are not there any more.
    """
    settings = figures.faithfulness
    check_model(run, "faithfulness")
    rows = [each for each in run.predictions if not each.truth_is_box]
    chains = {(each.set, each.id): chain for each in rows if (chain := answered_chain(each))}
    if not chains:
        raise GritError(
            f"faithfulness: {run.folder} has no completion with an answer and a box in the chain "
            "before it"
        )
    grounded = [chain.prediction for chain in chains.values()]
    drawn = subsample(grounded, settings.questions, figures.seed)
    questions = [_question(figures, run, chains[each.set, each.id]) for each in drawn]
    tagged = run.settings.method.tagged_answer
    with asking(run, figures.rollout, folder) as asked:
        found = faithfulness(questions, asked, judge, tagged_answers=tagged)
    return FaithfulRun(name_of(run), len(rows), len(grounded), *found)


def _question(figures: FigureSettings, run: FinishedRun, chain: AnsweredChain) -> Question:
    said = chain.prediction
    seed = figures.seed, "faithfulness", said.set, said.id
    pictures = changed_pictures(run.sample(said), chain.boxes, figures.faithfulness, *seed)
    return Question(said, pictures)
