"""500 random completions: whatever a policy says gets a reward, a score and a picture."""

import math
from random import Random

import pytest
from composing import config
from PIL import Image

from grit.evaluation.predictions import Prediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.grounding.drawing import draw_boxes
from grit.grounding.traces import parse
from grit.judge.rules import RulesJudge
from grit.rewards.response import Attempt
from grit.rewards.reward import reward_from

PIECES = [
    *("<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>"),
    *("[1, 2, 3, 4]", "9, 9, 1, 1", "[-1, 0, 5, 5]", "1,2,3,4,5", "9" * 4400 + ", 1, 2, 3"),
    *("yes", "no", "3", "(B)", "seven", "\x00", "\ud800", "é中🙂", "\n", " ", "<", "{" * 50),
]


def random_completions(count: int) -> list[str]:
    random = Random(0)
    said = []
    for _ in range(count):
        pieces = random.choices(PIECES, k=random.randrange(30))
        noise = [chr(random.randrange(1, 0x3000)) for _ in range(random.randrange(20))]
        said.append("".join(random.sample(pieces + noise, len(pieces) + len(noise))))
    return said


COMPLETIONS = random_completions(500)
SEEING_BOXES = ["union_iou", "iou_squared", "treevgr", "visual_rft", "vlm_r1", "hungarian"]


SPACE = Space("original", 64, 48)
BOXED = {"box_space": NORMALIZED_1000, "space": SPACE, "true_boxes": (Box(1, 1, 20, 20, SPACE),)}


@pytest.mark.parametrize("preset", ["grpo_gr", "released", *SEEING_BOXES])
def test_every_completion_has_a_reward(preset):
    reward = reward_from(config(f"reward={preset}").reward)
    attempts = [
        Attempt("How many?", "3", "tallyqa", text, (1, 2, 3), **BOXED) for text in COMPLETIONS
    ]
    outcomes = reward.score(attempts, RulesJudge())
    assert len(outcomes) == 500
    assert all(outcome.total is not None and math.isfinite(outcome.total) for outcome in outcomes)
    assert len({outcome.total for outcome in outcomes}) > 5


def test_every_completion_has_a_score_and_a_picture():
    space = Space("original", 64, 48)
    predictions = [
        Prediction(
            set="s",
            row=i,
            id=str(i),
            question="Is it?",
            truth="yes",
            truth_is_box=False,
            dataset="vsr",
            completion=text,
            box_space=NORMALIZED_1000,
            space=space,
            true_boxes=(Box(1, 1, 20, 20, space),),
        )
        for i, text in enumerate(COMPLETIONS)
    ]
    scored = score_predictions(predictions, RulesJudge(), tagged_answers=True)
    assert all(0 <= row.giou <= 1 and 0 <= row.acc <= 1 for row in scored)
    assert len({row.giou for row in scored}) > 1
    blank = Image.new("RGB", (64, 48))
    for text in COMPLETIONS[:50]:
        boxes = [Box(*corners, NORMALIZED_1000) for corners in parse(text).all_boxes]
        assert draw_boxes(blank, boxes).size == blank.size
