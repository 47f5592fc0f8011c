"""Figure 5 of finished runs: where their attention goes."""

from collections.abc import Sequence

from grit.core.errors import GritError
from grit.models.prompting import Prompting
from grit.rollout.sampler import Sampler
from grit.runs.finished import FinishedRun
from grit.studies.attention_prefixes import can_be_cut, prefixes
from grit.studies.attention_study import study
from grit.studies.figure5 import (
    FIGURE5,
    METHODS,
    AttendingRun,
    Figure5,
)
from grit.studies.figure_runs import Unfinished
from grit.studies.measuring import Measuring
from grit.studies.studied_runs import check_model, name_of, subsample
from grit.training.device import autocast


class Attending(Measuring[AttendingRun]):
    """Figure 5 of runs: the attention of their models on the boxes of their chains."""

    study = FIGURE5
    name = "figure 5"

    def measure(self, run: FinishedRun) -> AttendingRun:
        """The attention of a run's model.

        Raises:
            GritError: no chain of the set has a box, or the run has no model.
        """
        settings, seed = self.figures.attention, self.figures.seed
        check_model(run, "attention")
        said = [each for each in run.predictions if each.set == settings.set]
        grounded = [each for each in said if can_be_cut(each.as_written)]
        if not grounded:
            raise GritError(
                f"attention.set={settings.set}: {run.folder} has no completion of this set with a "
                "box before <rethink>"
            )
        adapter, method = run.adapter(), run.settings.method
        prompting = Prompting(method.suffix, method.example)
        samples, drawn = [], subsample(grounded, settings.samples, seed)
        for each in drawn:
            prompt = prompting.encode(run.sample(each), adapter)
            samples.append(prefixes(prompt, each.as_written, adapter, seed))
        rollouts = run.settings.rollout, self.figures.rollout
        sampler = Sampler(adapter, min(each.tokens_per_batch for each in rollouts))
        pictures = [each.picture for each in drawn]
        with autocast(run.settings.trainer.precision, adapter.device):
            found = study(samples, adapter, sampler, settings.tokens, pictures)
        return AttendingRun(name_of(run, [settings.set]), len(said), found)

    def figure(self, rows: Sequence[AttendingRun], unfinished: Sequence[Unfinished]) -> Figure5:
        """What was measured, and how."""
        settings = self.figures.attention
        sizes = settings.set, settings.samples, settings.tokens
        return Figure5(*sizes, runs=rows, unfinished=unfinished, expected=METHODS)
