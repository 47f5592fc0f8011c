"""``task=correlation``: figure 4 from finished runs."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grit.data.shapes.scenes import Scene
from grit.data.shapes.traces import ideal_trace
from grit.evaluation.correlation import correlate
from grit.evaluation.correlation_chains import chain_of, drawn_boxes
from grit.evaluation.correlation_judges import (
    Matcher,
    PictureMatcher,
    SceneMatcher,
    ShownPair,
)
from grit.evaluation.lottery import lottery
from grit.evaluation.predictions import Prediction
from grit.judge_settings import ServiceJudgeConfig
from grit.reporting.figure4 import WRITTEN, CorrelatedRun, Figure4, write_figure4
from grit.reporting.figure_runs import RunName
from grit.schema import Config
from grit.tasks.finished import FinishedRun, distinct, finished_run, finished_runs, folders_of
from grit.tasks.folder import RunFolder
from grit.tasks.parts import make_judge, service_judge

log = logging.getLogger(__name__)
WRITTEN_CHAINS = 20  # at least; as many as the paper's human-written ones


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    runs = distinct([finished_run(each) for each in folders_of(config.runs)])
    matcher = make_matcher(config)
    RunFolder.at(config, folder, overrides).begin(config)
    for path in write_figure4(_measured(config, runs, matcher), folder):
        log.info("%s", path)


def build(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Figure 4 of an experiment's runs, by the judge and the settings of the first finished one.

    Runs that are not finished are named in the figure's files, and shown nowhere. Returns the paths
    of the files.
    """
    runs, unfinished = finished_runs(folders)
    config = runs[0].config
    figure = _measured(config, runs, make_matcher(config))
    return write_figure4(replace(figure, unfinished=unfinished), folder)


def make_matcher(config: Config) -> Matcher:
    """The judge of the figure that belongs to the judge of the configuration.

    Raises:
        GritError: there is no such judge, or no key for its service.
    """
    if not isinstance(config.judge, ServiceJudgeConfig):
        make_judge(config)  # there has to be such a judge
        return SceneMatcher()
    from grit.judge.pictures import Comparison, compare_pictures  # imports openai

    judge = service_judge(config.judge)

    def compare(pairs: Sequence[ShownPair]) -> list[float | None]:
        shown = [Comparison(*pair) for pair in pairs]
        return compare_pictures(judge, shown, seed=config.seed)

    return PictureMatcher(f"{config.judge.name} ({config.judge.model})", compare)


def _measured(config: Config, runs: Sequence[FinishedRun], matcher: Matcher) -> Figure4:
    settings = config.correlation
    correlated = [_correlated(config, run.name, run, run.predictions, matcher) for run in runs]
    written = _written(runs[0])
    if written:
        name = replace(runs[0].name, folder="", method=WRITTEN, config_hash="", settings="")
        correlated.append(_correlated(config, name, runs[0], written, matcher))
    return Figure4(matcher.name, settings.repeats, settings.chains, config.seed, correlated)


def _correlated(
    config: Config,
    name: RunName,
    run: FinishedRun,
    predictions: Sequence[Prediction],
    matcher: Matcher,
) -> CorrelatedRun:
    settings = config.correlation
    rows = [each for each in predictions if not each.truth_is_box]  # the paper leaves OVDEval out
    grounded = [each for each in rows if drawn_boxes(each)]
    drawn = lottery(grounded, settings.chains, config.seed)
    chains = [chain_of(each, run.sample(each).picture) for each in drawn]
    found = correlate(
        [chain for chain in chains if chain is not None],
        matcher,
        repeats=settings.repeats,
        seed=config.seed,
    )
    return CorrelatedRun(name, len(rows), len(grounded), len(chains), found)


def _written(run: FinishedRun) -> list[Prediction]:
    """What a perfect model would have said to some questions about drawn scenes."""
    annotated = [each for each in run.predictions if each.true_boxes and not each.truth_is_box]
    per_set = -(-WRITTEN_CHAINS // max(1, len({each.set for each in annotated})))
    written = []
    for each in lottery(annotated, per_set):
        sample = run.sample(each)
        if isinstance(sample.picture, Scene):
            completion = ideal_trace(sample, sample.space)
            written.append(replace(each, completion=completion, spoken=sample.space))
    return written
