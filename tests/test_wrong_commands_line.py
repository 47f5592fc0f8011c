"""Wrong commands: options, words and names that are none."""

import pytest
from desk import Desk
from wrong_commands import Wrong, alone, check, wrong

MINE = {
    "model/misspelt.yaml": "# mine\ndefaults: [tiny_qwen, _self_]\npth: somewhere\n",
    "model/broken.yaml": "# mine\nname: broken\n\tpath: somewhere\n",
    "experiment/outside.yaml": "# mine\ntraining:\n  steps: 3\n",
    "experiment/unknown.yaml": "# @package _global_\n# mine\ntrainning:\n  steps: 3\n",
    "same/data/own.yaml": "# mine\nname: own\nroot: elsewhere\n",
    "experiment/nothing.yaml": "# @package _global_\n# mine\ndefaults: [override /method: gritt]\n",
}


@pytest.fixture(scope="module", autouse=True)
def mine(desk: Desk) -> None:
    """A folder of somebody's own choices, each with a mistake."""
    for name, text in MINE.items():
        path = desk.folder / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def scored(*more: str) -> tuple[str, ...]:
    return ("task=score", "input=i", "output=o", *more)


OPTIONS = [
    alone(wrong("--foo", says=("--foo is no option", "--config-dir", "--multirun"))),
    wrong("--model=tiny_qwen", says=("no dashes", "model=tiny_qwen")),
    wrong("seed=1", "--cfg", "foo", says=("--cfg", "foo", "job")),
    wrong("model=misspelt", "--config-dir", says=("--config-dir", "expected one argument")),
    wrong("--config-dir", "nowhere", says=("nowhere", "not found")),
    wrong("--cfg", "job", "-m", says=("--multirun", "--cfg")),
    wrong("--help", "modle", says=("modle", "did you mean model?")),
    wrong("--help", "xyzzy", says=("xyzzy", "reward", "judge")),
    wrong("--help", "training.stepps=1", says=("training.stepps", "training.steps?")),
    wrong("--config-dir", "mine", "model=misspelt", says=("model.pth", "model.path?")),
    wrong("model=misspelt", "--config-dir", "mine", "seed=1", says=("model.pth", "model.path?")),
    wrong("--config-dir", "mine", "model=broken", says=("broken.yaml", "line 3")),
    wrong("--config-dir", "mine", "experiment=unknown", says=("trainning",)),
    wrong("--config-dir", "mine", "experiment=outside", *scored(), says=("experiment",)),
    wrong(
        *("--config-dir", "mine/same", "data=own"),
        says=("mine/same/data/own.yaml is not read", "data=own is the suite's", "another name"),
    ),
    wrong("--config-dir", "mine", "experiment=nothing", says=("method", "gritt")),
]
WORDS = [
    wrong("train", says=("train", "NAME=VALUE", "did you mean task=train?")),
    wrong("method", "=", "cot", says=("method sets nothing", "without spaces", "direct")),
    wrong("=3", says=("=3 sets nothing",)),
    alone(wrong("seed=[", says=("seed=[",))),
    wrong("seed=1,2", says=("seed=1,2", "--multirun")),
    wrong("model=null", says=("model",)),
    wrong("hydra.run.dir=mine/model/broken.yaml/run", says=("mine/model/broken.yaml/run",)),
]
NAMES = [
    alone(wrong("model=tiny_qwem", says=("model", "tiny_qwem", "tiny_qwen", "internvl3_2b"))),
    wrong("experiment=table9", says=("experiment", "table9", "table1")),
    wrong("task=trian", says=("task", "trian", "train, evaluate, score")),
    wrong("trainer.max_stepps=3", says=("trainer.max_stepps", "trainer.max_steps?")),
    wrong("+training.stepps=3", says=("training.stepps", "training.steps?")),
    wrong("rewards=released", says=("rewards is no field", "reward?")),
    wrong("training.beta.x=1", says=("training.beta is a value",)),
    wrong("xyzzy=1", says=("xyzzy is no field", "--cfg job")),
    wrong("hydra.run.dri=x", says=("hydra.run.dri", "hydra.run.dir?")),
    wrong("reward.terms.count.wieght=1", says=("wieght", "reward.terms.count.weight?")),
    wrong("reward.terms.juge.weight=1", says=("reward.terms.juge", "reward.terms.judge?")),
    wrong("suite.sets.vrs.rows=3", says=("suite.sets.vrs", "suite.sets.vsr?")),
    wrong("+suite.sets.vrs.rows=3", says=("suite.sets.vrs", "suite.sets.vsr?")),
    wrong("data.sources.vrs.rows=3", says=("data.sources.vrs", "data.sources.vsr?")),
    wrong("data.sources.mine.kind=vsr", says=("data.sources.mine", "+data.sources.mine.kind=vsr")),
    wrong("judge.model=gpt-4o", says=("judge=openai",)),
    wrong("judge.call=mine.judge", says=("judge=own",)),
    wrong("judge=openai", "judge.modle=gpt-4o", says=("judge.model?",)),
    wrong("judge=openai", "judge.prices.gpt-4.input=1", says=("judge.prices.gpt-4o?",)),
]


@pytest.mark.parametrize("command", OPTIONS, ids=str)
def test_an_option_that_is_none(desk: Desk, command: Wrong) -> None:
    check(desk, command)


@pytest.mark.parametrize("command", WORDS, ids=str)
def test_a_word_that_sets_nothing(desk: Desk, command: Wrong) -> None:
    check(desk, command)


@pytest.mark.parametrize("command", NAMES, ids=str)
def test_a_name_that_is_none(desk: Desk, command: Wrong) -> None:
    check(desk, command)
