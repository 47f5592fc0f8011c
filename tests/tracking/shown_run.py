"""A run of six questions for dashboards: before it all answers are wrong, after it one is."""

from pathlib import Path

import settings_of
from finished_runs import ROWS, drawn_rows, results_of

from grit.core.files import write_json
from grit.data.shapes.source import ShapesSource
from grit.judge.rules import RulesJudge
from grit.rewards.response import Attempt
from grit.rewards.reward import reward_from
from grit.rollout.engine import Completion
from grit.runs.folder import RunFolder
from grit.runs.measured import Measured
from grit.tracking.dashboard import Dashboard, Findings, evaluation_numbers
from grit.training.diagnostics import Rollout

REWARD = settings_of.reward({"think_tags": ("grit.rewards.format.think_tags", 0.5)})


def begun(folder: Path) -> RunFolder:
    """A run that starts in a new folder."""
    folder.mkdir(parents=True)
    identity = {"started": folder.name, "config_hash": "0244dce09b91", "command": "grit"}
    write_json(folder / "run.json", identity)
    (folder / "report.html").write_text("<p>a page")
    return RunFolder(folder, (), resumed=False, checkpoint=None)


def resumed(folder: Path, steps: int) -> RunFolder:
    """The same run, after a stop, with a checkpoint of so many steps."""
    checkpoint = folder / "checkpoints" / f"step-{steps:06d}.ckpt" if steps else None
    return RunFolder(folder, (), resumed=True, checkpoint=checkpoint)


def findings(folder: Path, step: int) -> Findings:
    before, after = drawn_rows(range(ROWS)), drawn_rows([1])
    was, now = Measured(results_of(before), before), Measured(results_of(after), after)
    samples = {sample.id: sample for sample in ShapesSource("vsr", "test", ROWS)}

    def picture_of(_: str, row: str):
        return samples[row].picture.load()

    return Findings(folder, step, now, was, picture_of, reward_from(REWARD), most=4)


def rollouts() -> list[Rollout]:
    """Two equal completions of the first question."""
    (sample,) = ShapesSource("vsr", "test", 1)
    text = drawn_rows()["vsr"][0].prediction.completion
    where = {"box_space": sample.space, "space": sample.space}
    attempt = Attempt(sample.question, sample.answer, sample.dataset, text, **where)
    (outcome,) = reward_from(REWARD).score([attempt], RulesJudge())
    return [Rollout(sample, sample.space, Completion((1, 2), text, False), outcome)] * 2


def train(dashboard: Dashboard, steps: range, reward: float) -> None:
    """Log steps as Lightning does; ``reward`` tells one start of the run from another."""
    for step in steps:
        named = {"train/reward": reward, "train/reward_part/vsr/bleu": 0.5}
        dashboard.logger.log_metrics(named, step)
        dashboard.completions(rollouts(), step)


def evaluate(dashboard: Dashboard, found: Findings) -> None:
    dashboard.numbers(evaluation_numbers(found.after.results), found.step)
    dashboard.findings(found)
