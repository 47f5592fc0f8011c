"""The control: a coin for each completion, the same after a resume and on any number of ranks."""

from types import SimpleNamespace

import pytest
import settings_of
from test_presets import IDEAL, preset

from grit.core.seeding import seed_for
from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import NORMALIZED_1000
from grit.judge.rules import RulesJudge
from grit.rewards.chance import coin
from grit.rewards.response import Attempt, Response
from grit.rollout.engine import Completion
from grit.training.rollouts import Rollouts, Sampled

SAMPLES = ShapesSource("vsr", "dev", 2)
SIZE = 200


def tossed(text: str, seed: int | None) -> float:
    attempt = Attempt("How many?", "3", "tallyqa", text, seed=seed)
    return coin(Response.of(attempt, counting=True))


def totals(epoch: int, run_seed: int = 0) -> list[list[float | None]]:
    """Of two groups of completions with one and the same text."""
    settings = settings_of.training(group_size=SIZE)
    rollouts = Rollouts(None, None, None, None, preset("random"), RulesJudge(), settings, run_seed)
    drawn = [(sample, epoch) for sample in SAMPLES]
    same = [[Completion((1,), IDEAL, False)] * SIZE for _ in drawn]
    prompts = [SimpleNamespace(space=NORMALIZED_1000)] * len(drawn)
    found = [each.outcome.total for each in rollouts.rewarded(Sampled(drawn, prompts, same))]
    return [found[:SIZE], found[SIZE:]]


def test_half_of_all_completions_earn_it_whatever_they_say():
    for text in (IDEAL, "nothing"):
        share = sum(tossed(text, seed_for("rollout", k)) for k in range(4000)) / 4000
        assert share == pytest.approx(0.5, abs=0.03)


def test_completions_of_one_text_earn_different_rewards_in_a_group():
    for group in totals(epoch=0):
        assert set(group) == {0.0, 1.0}
        assert sum(group) / SIZE == pytest.approx(0.5, abs=0.13)


def test_a_coin_is_that_of_its_run_row_epoch_and_place_in_the_group():
    first = totals(epoch=0)
    assert totals(epoch=0) == first
    assert first[0] != first[1]
    assert totals(epoch=1) != first
    assert totals(epoch=0, run_seed=1) != first


def test_without_a_seed_it_hangs_on_the_text():
    texts = [f"<answer> {number} </answer>" for number in range(400)]
    found = [tossed(text, None) for text in texts]
    assert found == [tossed(text, None) for text in texts]
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.1)
