"""The shipped base models are what they are said to be, and GRPO-GR works on them."""

import json
import os
from pathlib import Path
from statistics import fmean

import pytest
from warmed import server

from grit.models.loading import load_base
from grit.models.tiny_families import FAMILIES
from grit.models.tiny_tokenizer import Family
from grit.pretraining.card import AIMS, PROFILE
from grit.pretraining.quality import direct_quality

pytestmark = pytest.mark.slow

ROWS = 60  # questions of each kind
ROOM = 0.12  # that so few may be away from the figures on the model cards
# Aims that a base has not reached, as its card says.
MISSED = {"internvl": {"mme_color"}, "qwen3": {"vsr_acc"}}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_answers_what_it_is_asked_directly(family: Family) -> None:
    found = direct_quality(load_base(f"tiny:{family}"), ROWS, seed=3)
    weak = {name for name, aim in AIMS.items() if found[name] < aim - ROOM}
    # In-domain it answers at once as weakly as the paper's base.
    apart = {
        name for name, (low, high) in PROFILE.items() if not low - ROOM < found[name] < high + ROOM
    }
    assert weak | apart == MISSED.get(family, set()), found


@pytest.mark.slow
def test_ten_steps_of_the_default_bring_the_reward_up(tmp_path: Path) -> None:
    quiet = ("evaluation.before_training=false", "evaluation.after_training=false")
    order = ["-m", "grit", *quiet, "trainer.max_steps=10", "hydra.run.dir=run"]
    done = server().start(order, tmp_path, os.environ | {"WANDB_MODE": "disabled"}).done()
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    rewards = [json.loads(line)["train/reward"] for line in lines]
    assert len(rewards) == 10
    assert fmean(rewards[-3:]) > fmean(rewards[:3]) + 0.25
