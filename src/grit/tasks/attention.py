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
from grit.rollout.sampler import Sampler
from grit.schema import Config
from grit.tasks.finished import FinishedRun, finished_run, finished_runs, folders_of
from grit.tasks.folder import RunFolder
from grit.tasks.parts import make_prompting

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    runs = [finished_run(each) for each in folders_of(config.runs)]
    found = [_attending(config, run) for run in runs]
    RunFolder.begin(config, folder, overrides)
    write_figure5(_figure(config, found), folder)
    _announce(folder)


def build(folders: Sequence[Path], folder: Path) -> None:
    """Figure 5 of an experiment's runs, by the settings of the first finished one.

    Runs that are not finished are named in the figure's files, and shown nowhere.
    """
    runs, unfinished = finished_runs(folders)
    config = runs[0].config
    found = [_attending(config, run) for run in runs]
    write_figure5(replace(_figure(config, found), unfinished=unfinished), folder)
    _announce(folder)


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


def _announce(folder: Path) -> None:
    for name in ("figure5.md", "figure5.svg", "figure5.json"):
        log.info("%s", folder / name)
