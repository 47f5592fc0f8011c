"""The line of a step: its numbers, and how long is left."""

import logging
from types import SimpleNamespace

import pytest

from grit.training import step_lines
from grit.training.step_lines import StepLines, shown

WEIGHTS = {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5, "judge": 1.0}
METRICS = {
    "loss": 0.01,
    "reward": 1.925,
    "reward_part/think_tags": 0.5,
    "reward_part/rethink_tags": 0.25,
    "reward_part/box_format": 0.375,
    "reward_part/shapes_vsr/judge": 1.0,
    "reward_part/judge": 0.45,
    "kl": 0.00312,
    "tokens_per_second": 1234.5,
}


def test_a_line_has_the_steps_numbers_without_their_weights() -> None:
    assert list(shown(METRICS, WEIGHTS)) == [
        *("reward 1.93", "format 0.75", "ACC 45", "KL 0.0031", "1,234 tokens/s"),
    ]
    half = {name: weight / 2 for name, weight in WEIGHTS.items()}
    parts = {n: v / 2 if n.startswith("reward_part/") else v for n, v in METRICS.items()}
    assert list(shown(parts, half)) == list(shown(METRICS, WEIGHTS))


def test_what_a_step_has_not_is_left_out() -> None:
    assert list(shown({"loss": 0.5}, {})) == ["loss 0.500"]
    without = dict.fromkeys(WEIGHTS, 0.0)
    assert list(shown(METRICS, without)) == ["reward 1.93", "KL 0.0031", "1,234 tokens/s"]


def test_each_step_is_one_line_that_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = iter([0.0, 100.0, 110.0, 120.0])
    monkeypatch.setattr(step_lines, "monotonic", lambda: next(times))
    lines = StepLines(3, WEIGHTS)
    learner = SimpleNamespace(last_metrics={"reward": 1.0})
    with caplog.at_level(logging.INFO, "grit"):
        lines.on_train_start()
        for step in range(3):
            lines.on_train_batch_end(None, learner, None, (), step)
    assert [record.getMessage() for record in caplog.records] == [
        "step 1/3  reward 1.00  3 min 20 s left",
        "step 2/3  reward 1.00  55 s left",  # the median of both
        "step 3/3  reward 1.00",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")]
)
def test_times_are_in_two_units(seconds: float, words: str) -> None:
    assert step_lines._duration(seconds) == words
