"""The line that a run opens with."""

from pathlib import Path

import pytest
from composing import config

from grit.runs.opening import opening


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "tiny_qwen, method=grit, 20 triplets of shapes, reward=grpo_gr, 60 steps of "),
        (["method=sft"], "tiny_qwen, method=sft, 20 triplets of shapes, "),
        (["method=direct"], "tiny_qwen, method=direct, no training, suite=shapes"),
        (["task=evaluate"], "tiny_qwen, as it is, method=grit, suite=shapes"),
        (["task=evaluate", "checkpoint=a/b"], "tiny_qwen, checkpoint=a/b, method=grit, suite="),
    ],
)
def test_a_run_says_what_it_is_made_of_and_where_it_goes(overrides, said) -> None:
    line = opening(config(*overrides), Path("runs/somewhere"), 20)
    assert line.startswith(said)
    assert line.endswith("judge=rules, seed=0: runs/somewhere")
    assert "\n" not in line


def test_rewards_and_completions_are_those_of_grpo_alone() -> None:
    grit, sft = (opening(config(f"method={name}"), Path("x"), 20) for name in ("grit", "sft"))
    assert " x 4 completions" in grit.replace(" x 8 ", " x 4 ")
    assert "reward=" not in sft
    assert "completions" not in sft
