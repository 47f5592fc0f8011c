"""Faithfulness of finished runs: whether their answers rest on what their chains point at."""

from collections.abc import Sequence
from functools import cached_property

from grit.core.errors import GritError
from grit.judge.judge import Judge
from grit.judge.making import make_judge
from grit.runs.finished import FinishedRun
from grit.studies.asking_again import asking
from grit.studies.changed_pictures import changed_pictures
from grit.studies.faithfulness_figure import (
    FAITHFULNESS,
    METHODS,
    FaithfulnessFigure,
    FaithfulRun,
)
from grit.studies.faithfulness_study import Question, faithfulness
from grit.studies.figure_runs import Unfinished
from grit.studies.kept_chains import AnsweredChain, answered_chain
from grit.studies.measuring import Measuring, check_use, with_model
from grit.studies.studied_runs import check_model, name_of, subsample


class AskingAgain(Measuring[FaithfulRun]):
    """Asks runs' models their questions again, with something taken away from the pictures."""

    study = FAITHFULNESS
    name = "faithfulness"
    leaves_out = ("direct",)  # it has no chains

    @cached_property
    def judge(self) -> Judge:
        """The judge of the configuration; raises GritError if it will not answer."""
        judge = make_judge(self.figures.judge)  # of no use without runs, and may need a key
        judge.probe()
        return judge

    def measure(self, run: FinishedRun) -> FaithfulRun:
        """How the answers of a run's model fall.

        Raises:
            GritError: no completion has boxes in a chain before its answer; or the test sets or
                the model of the run are not there any more.
        """
        judge, settings = self.judge, self.figures.faithfulness
        check_model(run, self.name)
        rows = [each for each in run.predictions if not each.truth_is_box]
        chains = {(each.set, each.id): chain for each in rows if (chain := answered_chain(each))}
        if not chains:
            raise GritError(
                f"faithfulness: {run.folder} has no completion with an answer and a box in the "
                "chain before it"
            )
        grounded = [chain.prediction for chain in chains.values()]
        drawn = subsample(grounded, settings.questions, self.figures.seed)
        questions = [self._question(run, chains[each.set, each.id]) for each in drawn]
        tagged = run.settings.method.tagged_answer
        with asking(run, self.figures.rollout, self.folder) as asked:
            found = faithfulness(questions, asked, judge, tagged_answers=tagged)
        return FaithfulRun(name_of(run), len(rows), len(grounded), *found)

    def figure(
        self, rows: Sequence[FaithfulRun], unfinished: Sequence[Unfinished]
    ) -> FaithfulnessFigure:
        """What was measured, and how."""
        settings, judge = self.figures.faithfulness, self.figures.judge
        how = settings.mask, settings.questions, settings.draws, self.figures.seed
        named = with_model(judge.label, judge)
        return FaithfulnessFigure(named, *how, runs=rows, unfinished=unfinished, expected=METHODS)

    def check_judged(self, rows: Sequence[FaithfulRun]) -> None:
        """Tell what the judge has used, and raise JudgeFailed where too little was judged."""
        found = [row.overall for row in rows]
        failed, asked = sum(each.failures for each in found), sum(each.answers for each in found)
        check_use(self.judge, failed, asked)

    def _question(self, run: FinishedRun, chain: AnsweredChain) -> Question:
        said, settings = chain.prediction, self.figures.faithfulness
        seed = self.figures.seed, "faithfulness", said.set, said.id
        return Question(said, changed_pictures(run.sample(said), chain.boxes, settings, *seed))
