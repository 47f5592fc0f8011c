"""``task=attention``: figure 5 from finished runs."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from grit.errors import GritError
from grit.evaluation.attention import study
from grit.evaluation.attention_prefixes import can_be_cut, prefixes
from grit.evaluation.lottery import lottery
from grit.reporting.figure5 import AttendingRun, Figure5, write_figure5
from grit.reporting.figure_runs import Unfinished
from grit.rollout.sampler import Sampler
from grit.schema import Config
from grit.tasks.finished import FinishedRun, distinct, finished_run, finished_runs, folders_of
from grit.tasks.folder import RunFolder
from grit.tasks.parts import make_prompting

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    runs = distinct([finished_run(each) for each in folders_of(config.runs)])
    found = [_attending(config, run) for run in runs]
    RunFolder.at(config, folder, overrides).begin(config)
    for path in write_figure5(_figure(config, found), folder):
        log.info("%s", path)


def build(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Figure 5 of an experiment's runs, by the settings of the first finished one.

    Runs that are not finished, or have no chain with a box, are named in the figure's files, and
    shown nowhere. Returns the paths of the files.
    """
    runs, unfinished = finished_runs(folders)
    config = runs[0].config
    found = []
    for run in runs:
        try:
            found.append(_attending(config, run))
        except GritError as error:
            unfinished.append(Unfinished(str(run.folder), str(error)))
    return write_figure5(replace(_figure(config, found), unfinished=unfinished), folder)


def _figure(config: Config, found: Sequence[AttendingRun]) -> Figure5:
    settings = config.attention
    return Figure5(settings.set, settings.samples, settings.tokens, found)


def _attending(config: Config, run: FinishedRun) -> AttendingRun:
    settings = config.attention
    said = [each for each in run.predictions if each.set == settings.set]
    grounded = [each for each in said if can_be_cut(each.completion)]
    if not grounded:
        raise GritError(
            f"attention.set={settings.set}: {run.folder} has no completion of this set with a box "
            "before <rethink>"
        )
    adapter, prompting = run.adapter(), make_prompting(run.config)
    samples = []
    for each in lottery(grounded, settings.samples, config.seed):
        prompt = prompting.encode(run.sample(each), adapter)
        samples.append(prefixes(prompt, each.completion, adapter, config.seed))
    sampler = Sampler(adapter, run.config.training.tokens_per_rollout_batch)
    return AttendingRun(run.name, len(said), study(samples, adapter, sampler, settings.tokens))
