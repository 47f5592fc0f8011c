"""The shipped rewards: their parts, their weights, and what each way to cheat earns."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from grit.config.validating import validated
from grit.grounding.boxes import Box, Space
from grit.grounding.traces import parse
from grit.judge.rules import RulesJudge
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward, reward_from
from grit.rewards.settings import RewardSettings

FOLDER = Path(__file__).parents[2] / "conf" / "reward"
PAPER = {"think_tags", "rethink_tags", "box_format", "count", "judge", "bleu"}
RELEASED = {"judge", "bleu", "answer_tag", "tags", "boxes", "repetition"}
BOXED = {  # sees annotated boxes -> terms besides the paper's, terms of the paper's that are off
    "union_iou": ({"union_iou"}, {"count"}),
    "iou_squared": ({"iou_squared"}, {"count"}),
    "visual_rft": ({"visual_rft"}, {"count"}),
    "hungarian": ({"hungarian"}, {"count"}),
    "vlm_r1": ({"vlm_r1_map", "vlm_r1_weighted"}, {"count"}),
    "treevgr": ({"treevgr"}, {"count", "box_format", "bleu"}),
    "vigorl": ({"vigorl"}, {"count", "box_format"}),  # it points, and sees none
}
OFF = {
    "grpo_gr": set(),
    "no_count": {"count"},
    "no_format": {"think_tags", "rethink_tags", "box_format"},
    "no_boxes": {"box_format", "count"},
    "no_bleu": {"bleu"},
    "answer_only": {"think_tags", "rethink_tags", "box_format", "count"},
}


def preset(name: str) -> Reward:
    with initialize_config_dir(str(FOLDER), version_base="1.3"):
        config = OmegaConf.to_container(compose(name), resolve=True)
    assert config["name"] == name
    assert set(config) == {"name", "terms", "counting_datasets"}
    return reward_from(validated(RewardSettings, config))


def earned(name: str, completion: str, answer: str = "3", dataset: str = "tallyqa", **more: object):
    question = "How many dogs are there?"
    attempt = Attempt(question, answer, dataset, completion, **more)
    return preset(name).score([attempt], RulesJudge())[0]


def parts(name: str, completion: str, **row) -> dict[str, float]:
    found = earned(name, completion, **row).components
    return {term: pytest.approx(value) for term, value in found.items() if value}


DOGS = "[1, 2, 30, 40], [50, 2, 90, 40], [5, 60, 40, 95]"
IDEAL = f"<think> three dogs: {DOGS} </think> <rethink> I count 3. </rethink> <answer> 3 </answer>"


def test_an_ideal_completion_earns_everything():
    assert parts("grpo_gr", IDEAL) == {
        "think_tags": 0.5,
        "rethink_tags": 0.5,
        "box_format": 0.5,
        "count": 0.5,
        "judge": 1.0,
        "bleu": 0.1,
    }
    assert earned("grpo_gr", IDEAL).total == pytest.approx(3.1)
    assert earned("grpo_gr", IDEAL, dataset="vsr").total == pytest.approx(2.6)
    assert parts("released", IDEAL) == {
        "judge": 1.0,
        "bleu": 0.05,  # of "3 </answer>": the closing tag counts as a word
        "answer_tag": 0.5,
        "tags": 0.5,
        "boxes": 1.5,
        "repetition": 0.5,
    }


@pytest.mark.parametrize("name", [*OFF, "released"])
def test_the_names_of_the_parts_are_a_contract(name):
    assert set(earned(name, IDEAL).components) == (RELEASED if name == "released" else PAPER)


@pytest.mark.parametrize("name", OFF)
def test_an_ablation_leaves_out_its_parts_and_nothing_else(name):
    full, found = earned("grpo_gr", IDEAL).components, earned(name, IDEAL).components
    assert found == {term: 0.0 if term in OFF[name] else value for term, value in full.items()}


@pytest.mark.parametrize("name", BOXED)
def test_a_reward_that_sees_boxes_has_the_papers_parts_beside_its_own(name):
    own, off = BOXED[name]
    space = Space("original", 100, 100)
    annotated = tuple(Box(*corners, space) for corners in parse(IDEAL).boxes)
    full = earned("grpo_gr", IDEAL).components
    found = earned(name, IDEAL, box_space=space, space=space, true_boxes=annotated)
    papers = {term: 0.0 if term in off else value for term, value in full.items()}
    ours = dict.fromkeys(own, 1.0) | {"vlm_r1_weighted": 0.0, "vigorl": 0.0}
    assert found.components == papers | {term: ours[term] for term in own}
    assert preset(name).of_boxes == [term for term in sorted(own) if ours[term]]
    without = earned(name, IDEAL).components
    assert {term for term, value in without.items() if value is None} == {*preset(name).of_boxes}


def test_the_total_of_treevgr_is_that_of_its_source():
    """Format, answer and dual IoU: 1 each."""
    space = Space("original", 100, 100)
    annotated = tuple(Box(*corners, space) for corners in parse(IDEAL).boxes)
    found = earned("treevgr", IDEAL, box_space=space, space=space, true_boxes=annotated)
    assert found.total == 3


def test_a_point_earns_what_a_box_does():
    pointing = IDEAL.replace(DOGS, "(15, 20), (70, 20), (20, 80)")
    assert earned("vigorl", pointing).total == earned("no_count", IDEAL).total


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_says_in_its_first_line_what_it_is_for(path):
    assert path.read_text().startswith("# ")
    assert preset(path.stem).possible(["tallyqa"])


def test_all_presets_are_here():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*OFF, *BOXED, "released", "random"}


@pytest.mark.parametrize("dataset", ["tallyqa", "shapes_tallyqa"])
def test_the_counting_data_sets(dataset):
    assert earned("grpo_gr", DOGS, dataset=dataset).components["count"] == 0.5


# What each way to cheat earns: completion -> the paper's reward, the released code's.
TAGS = "<think></think><rethink></rethink><answer></answer>"
WHOLE = "<think>the dogs are in [0, 0, 1000, 1000]</think><rethink>so</rethink><answer>2</answer>"
SPAM = f"<think>{'[1, 2, 3, 4] ' * 60}</think><rethink>many</rethink><answer>2</answer>"
GUESSED = f"<answer>3</answer><think> three dogs: {DOGS} </think><rethink>3</rethink>"
LISTED = f"<think> some dogs: {DOGS} </think><rethink>or</rethink><answer>1, 2, 3 or 4</answer>"
CHEATS = {
    "nothing at all": ("", {}, {"repetition": 0.5}),
    "an empty answer": (
        IDEAL.replace("<answer> 3 ", "<answer> "),
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5},
        {"answer_tag": 0.5, "tags": 0.5, "boxes": 1.5, "repetition": 0.5},
    ),
    "tags without content": (
        TAGS,
        {"think_tags": 0.5, "rethink_tags": 0.5},
        {"answer_tag": 0.5, "tags": 0.4, "repetition": 0.5},
    ),
    "the whole image as the box": (  # it pays like any box: no reward sees what a box holds
        WHOLE,
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5},
        {"answer_tag": 0.5, "tags": 0.5, "boxes": 0.5, "repetition": 0.5},
    ),
    "box spam": (  # sixty boxes earn what one earns, and no more
        SPAM,
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5},
        {"answer_tag": 0.5, "tags": 0.5, "boxes": 0.5, "repetition": 0.5 * 9 / 233},
    ),
    "the answer before the reasoning": (  # the reading of the paper does not forbid it
        GUESSED,
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5}
        | {"judge": 1.0, "bleu": 0.1},
        {"judge": 1.0, "bleu": 0.1 / 21, "answer_tag": 0.5, "tags": 0.5, "boxes": 1.5}
        | {"repetition": 0.5},
    ),
    "every option listed": (
        LISTED,
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5, "bleu": 0.02},
        {"bleu": 0.1 / 6, "answer_tag": 0.5, "tags": 0.5, "boxes": 1.5, "repetition": 0.5},
    ),
    "two answers": (
        IDEAL.replace("<answer> 3 ", "<answer> 2 </answer><answer> 3 "),
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5},
        {"bleu": 0.02, "answer_tag": 0.25, "tags": 0.5, "boxes": 1.5, "repetition": 0.5},
    ),
    "the number of boxes put right in the reflection": (
        IDEAL.replace(DOGS, "[1, 2, 30, 40]").replace("I count 3.", DOGS),
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "judge": 1.0, "bleu": 0.1},
        {"judge": 1.0, "bleu": 0.05, "answer_tag": 0.5, "tags": 0.5, "boxes": 0.5}
        | {"repetition": 0.5},
    ),
    "tags many times": (
        "<think></think><rethink></rethink>" * 20 + DOGS,
        {},  # no pair, and no box before the first <rethink>
        {"tags": 0.4, "repetition": 0.5},
    ),
}


@pytest.mark.parametrize(("completion", "paper", "released"), CHEATS.values(), ids=CHEATS)
def test_what_a_cheat_earns(completion, paper, released):
    assert parts("grpo_gr", completion) == paper
    assert parts("released", completion) == released
