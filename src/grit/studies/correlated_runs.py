"""Figure 4 of finished runs: whether their chains and boxes agree."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.scenes import Scene
from grit.evaluation.predictions import Prediction
from grit.judge.making import make_judge
from grit.judge.service import ServiceJudge
from grit.judge.settings import ServiceJudgeSettings
from grit.runs.finished import FinishedRun
from grit.studies.correlation_chains import chain_of, drawn_boxes
from grit.studies.correlation_judges import Pair, picked_by_model, picked_by_rule
from grit.studies.correlation_study import correlate
from grit.studies.figure4 import (
    FIGURE4,
    METHODS,
    WRITTEN,
    CorrelatedRun,
    Figure4,
)
from grit.studies.figure_runs import RunName, Unfinished
from grit.studies.measuring import Measuring, check_use, with_model
from grit.studies.studied_runs import name_of, subsample

WRITTEN_CHAINS = 20  # at least; as many as the paper's human-written ones


class Correlating(Measuring[CorrelatedRun]):
    """Figure 4 of runs, and of a perfect model where their questions are drawn."""

    study = FIGURE4
    name = "figure 4"

    @cached_property
    def judge(self) -> ServiceJudge | None:
        """What is shown the pictures; None: a rule picks. Of no use without runs.

        Raises:
            GritError: there is no such judge, or no key for its service.
        """
        if isinstance(self.figures.judge, ServiceJudgeSettings):
            return ServiceJudge(self.figures.judge)
        make_judge(self.figures.judge)  # there has to be such a judge
        return None

    def measure(self, run: FinishedRun) -> CorrelatedRun:
        """The correlation of a run's chains with their boxes."""
        return self._correlated(name_of(run), run, run.predictions)

    def beside(self, run: FinishedRun) -> list[CorrelatedRun]:
        """What a perfect model would have said to a run's questions, if any are drawn."""
        written = _written(run)
        if not written:
            return []
        of_run = name_of(run)
        name = RunName("", of_run.model, of_run.data, WRITTEN, of_run.seed, "")
        return [self._correlated(name, run, written)]

    def figure(self, rows: Sequence[CorrelatedRun], unfinished: Sequence[Unfinished]) -> Figure4:
        """What was measured, and how."""
        settings, judge = self.figures.correlation, self.figures.judge
        # A judge's prompt is for answers: pictures are asked about by one of their own.
        named = judge.name if isinstance(judge, ServiceJudgeSettings) else judge.label
        how = with_model(named, judge), settings.repeats, settings.chains, self.figures.seed
        return Figure4(*how, runs=rows, unfinished=unfinished, expected=METHODS)

    def check_judged(self, rows: Sequence[CorrelatedRun]) -> None:
        """Tell what the judge has used, and raise JudgeFailed where too little was judged."""
        if self.judge is None:
            return
        failed = asked = 0
        for run in rows:
            for correlation in run.correlations.values():
                failed += correlation.failures
                asked += run.judged * len(correlation.repeats)
        check_use(self.judge, failed, asked)

    def _picks(self, pairs: Sequence[Pair]) -> list[float | None]:
        if self.judge is None:
            return picked_by_rule(pairs)
        from grit.judge.picture_pairs import compare_pictures  # imports openai

        compare = partial(compare_pictures, self.judge, seed=self.figures.seed)
        return picked_by_model(pairs, compare)

    def _correlated(
        self, name: RunName, run: FinishedRun, predictions: Sequence[Prediction]
    ) -> CorrelatedRun:
        settings, seed = self.figures.correlation, self.figures.seed
        rows = [each for each in predictions if not each.truth_is_box]  # the paper has no OVDEval
        grounded = [each for each in rows if drawn_boxes(each)]
        drawn = subsample(grounded, settings.chains, seed)
        found = (chain_of(each, run.sample(each).picture) for each in drawn)
        chains = [chain for chain in found if chain is not None]  # all, for they are grounded
        correlations = correlate(chains, self._picks, repeats=settings.repeats, seed=seed)
        return CorrelatedRun(name, len(rows), len(grounded), len(chains), correlations)


def _written(run: FinishedRun) -> list[Prediction]:
    """What a perfect model would have said to some questions about drawn scenes."""
    annotated = [each for each in run.predictions if each.annotated and not each.truth_is_box]
    per_set = -(-WRITTEN_CHAINS // max(1, len({each.set for each in annotated})))
    written = []
    for each in subsample(annotated, per_set):
        sample = run.sample(each)
        if isinstance(sample.picture, Scene):
            completion = ideal_trace(sample, sample.space)
            written.append(
                replace(each, completion=completion, written=None, box_space=sample.space)
            )
    return written
