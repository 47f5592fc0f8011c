"""Rows without annotated boxes: masked for the terms that need them, and counted for the others."""

import logging
from dataclasses import replace

import pytest
import settings_of
from boxed import attempt

from grit.core.errors import GritError
from grit.data.shapes.source import ShapesSource
from grit.judge.rules import RulesJudge
from grit.rewards.answer import judge
from grit.rewards.box_terms import treevgr, union_iou
from grit.rewards.format import think_tags
from grit.rewards.reward import Reward, reward_from
from grit.rewards.term import needs

BOX = (0, 0, 100, 100)
MIXED = Reward({"think": (think_tags, 0.5), "judge": (judge, 1.0), "iou": (union_iou, 2.0)}, [])
UNANNOTATED = [None, [], [(4, 4, 4, 9)]]


class Failing(RulesJudge):
    def score(self, queries):
        return [None] * len(queries)


class Forbidden(RulesJudge):
    def score(self, queries):
        assert not queries
        return []


def outcome(reward, annotated, referee=None, **changes):
    said = replace(attempt([BOX], annotated), **changes)
    return reward.score([said], referee or RulesJudge())[0]


def test_a_box_term_at_its_weight():
    found = outcome(MIXED, [(0, 0, 100, 200)])
    assert found.components == {"think": 0.5, "judge": 1.0, "iou": 1.0}
    assert found.total == 2.5


@pytest.mark.parametrize("annotated", UNANNOTATED)
def test_where_nothing_is_annotated_the_total_is_the_sum_of_the_others(annotated):
    found = outcome(MIXED, annotated)
    assert found.components == {"think": 0.5, "judge": 1.0, "iou": None}
    assert found.total == 1.5


def test_so_it_is_where_the_size_of_the_image_is_not_known():
    assert outcome(MIXED, [BOX], box_space=None).total == 1.5


@pytest.mark.parametrize("annotated", [None, [BOX]])
def test_a_failed_judge_is_no_mask(annotated):
    found = outcome(MIXED, annotated, Failing())
    assert found.total is None
    assert found.components["judge"] is None
    assert found.components["iou"] == (None if annotated is None else 2.0)


def test_a_masked_term_asks_no_judge():
    """Neither because it is None, nor because it needs the judge elsewhere."""

    @needs(judge=True, boxes=True)
    def right_and_boxed(response):
        return response.judged

    for term in (union_iou, right_and_boxed):
        reward = Reward({"boxed": (term, 1.0)}, [])
        assert outcome(reward, None, Forbidden()).total == 0
    reward = Reward({"boxed": (right_and_boxed, 1.0)}, [])
    assert outcome(reward, [BOX]).total == 1
    assert outcome(reward, [BOX], Failing()).total is None


def test_at_weight_0_it_is_looked_at_where_it_can_be():
    reward = Reward({"think": (think_tags, 1.0), "iou": (union_iou, 0.0)}, [])
    for annotated, value in ((None, None), ([BOX], 1.0)):
        found = outcome(reward, annotated)
        assert (found.components["iou"], found.total) == (0.0, 1.0)
        assert found.unrewarded == {"iou": value}
    assert reward.of_boxes == []


def test_annotated_boxes_are_shown_to_those_who_say_that_they_read_them():
    seen = []

    def mine(response):
        seen.append((response.boxes is None, response.true_boxes))
        return 1.0

    outcome(Reward({"mine": (mine, 1.0)}, []), [BOX])
    outcome(Reward({"mine": (needs(boxes=True)(mine), 1.0)}, []), [BOX])
    assert seen[0] == (False, None)
    assert [box.corners for box in seen[1][1]] == [BOX]


def test_a_rehearsal_has_boxes():
    Reward({"iou": (union_iou, 1.0), "dual": (treevgr, 0.0)}, []).rehearse()


def boxless(samples):
    return [replace(sample, boxes=None) for sample in samples]


def test_a_run_in_which_no_row_has_a_box_cannot_learn_from_boxes(caplog):
    caplog.set_level(logging.INFO)
    samples = list(ShapesSource("vsr", "train", 4))
    alone = reward_from(settings_of.reward({"iou": ("grit.rewards.box_terms.union_iou", 1.0)}))
    alone.check(samples)
    assert caplog.messages == []
    with pytest.raises(GritError, match=r"a run would learn nothing; .* give the rows their bboxs"):
        alone.check(boxless(samples))
    alone.check([*boxless(samples[:3]), samples[3]])
    assert caplog.messages == ["3 of 4 rows have no annotated box: the reward has no iou there"]
    MIXED.check(boxless(samples))
    assert MIXED.possible(["vsr"], annotated=False) == ["think", "judge"]
    assert alone.possible(["vsr"], annotated=False) == []
