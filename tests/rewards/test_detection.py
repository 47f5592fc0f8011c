"""Rows whose true answer is a box: it is compared as a box, and never by its text."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import settings_of
from test_presets import preset

from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import Prediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.judge.rules import RulesJudge
from grit.rewards.reward import Reward, reward_from
from grit.rewards.scored_file import scored
from grit.rewards.term import needs
from grit.rollout.engine import Completion
from grit.tracking.evaluation_rows import outcomes_of
from grit.training.rollouts import Rollouts, Sampled

SPACE = Space("original", 400, 300)
SAMPLE = Sample(
    id="own/1",
    question="Output the bounding box of: the dog.",
    answer="[244, 25, 338, 69]",
    dataset="own",
    picture=ShapesSource("ovd", "dev", 1)[0].picture,
    space=SPACE,
    boxes=(Box(244, 25, 338, 69, SPACE),),
    answer_is_box=True,
)
RIGHT, WRONG = "[610, 83, 845, 230]", SAMPLE.answer  # as said in thousandths of the image
PAPERS = {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.0}
UNTOLD = {"judge": 0.0, "bleu": 0.0}


class Forbidden(RulesJudge):
    def score(self, queries):
        assert not queries
        return []


def said(box: str) -> str:
    return f"<think> the dog {box} </think><rethink> so </rethink><answer> {box} </answer>"


def outcomes(reward: Reward, judge: RulesJudge):
    """Of the right box and of the wrong one that has the true answer's text."""
    prompt = SimpleNamespace(space=NORMALIZED_1000)
    completions = [[Completion((1,), said(box), False) for box in (RIGHT, WRONG)]]
    settings = settings_of.training(group_size=2)
    rollouts = Rollouts(None, None, None, None, reward, judge, settings, 0)
    found = rollouts.rewarded(Sampled([(SAMPLE, 0)], [prompt], completions))
    return [rollout.outcome for rollout in found]


def test_in_training_the_right_box_earns_more_than_the_text_of_the_answer():
    right, wrong = outcomes(preset("visual_rft"), Forbidden())
    # It is said twice, which counts once, as in Visual-RFT's code.
    assert right.components == PAPERS | UNTOLD | {"visual_rft": pytest.approx(1.0, abs=0.01)}
    assert wrong.components == PAPERS | UNTOLD | {"visual_rft": 0.0}


def test_a_term_of_one_s_own_gets_the_judge_s_score():
    def mine(response):
        return response.judged

    for term in (mine, needs(judge=True)(mine)):
        found = outcomes(Reward({"mine": (term, 1.0)}, []), RulesJudge())
        assert [each.total for each in found] == [0.0, 1.0]


def test_in_a_file_of_completions(tmp_path):
    path = tmp_path / "rows.jsonl"
    fields = {"question": SAMPLE.question, "dataset": "own", "completion": said(WRONG)}
    answers = [244, 25, 338, 69], SAMPLE.answer
    path.write_text("".join(json.dumps(fields | {"answer": each}) + "\n" for each in answers))
    box, text = (row["components"] for row in scored(path, preset("grpo_gr"), RulesJudge()))
    assert box == PAPERS | UNTOLD
    assert text == PAPERS | {"judge": 1.0, "bleu": pytest.approx(0.1)}


def test_in_a_dashboard_s_table():
    prediction = Prediction.of(SAMPLE, said(WRONG), box_space=NORMALIZED_1000, set="own", row=0)
    rows = score_predictions([prediction], Forbidden(), tagged_answers=True)
    (outcome,) = outcomes_of(preset("grpo_gr"), rows)
    assert outcome is not None
    assert outcome.components == PAPERS | UNTOLD


def test_a_run_that_would_be_paid_for_words_alone_is_refused():
    terms = ("judge", "grit.rewards.answer.judge"), ("bleu", "grit.rewards.answer.bleu")
    alone = reward_from(settings_of.reward({name: (path, 1.0) for name, path in terms}))
    with pytest.raises(GritError, match="a run would learn nothing"):
        alone.check([SAMPLE])
    alone.check([SAMPLE, replace(SAMPLE, id="own/2", answer="yes", answer_is_box=False)])
