"""What a training warns of before its model is loaded."""

import pytest
import torch
from composing import config

from grit.runs.preflight import _warnings

CPU, LARGE = torch.device("cpu"), "model=qwen2_5_vl_3b"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], []),
        (["data=vsr_tally"], ["judge=rules: a strict text rule is the training's reward"]),
        (["data=vsr_tally", "judge=openai"], []),
        ([LARGE, "data=shapes"], ["qwen2_5_vl_3b trains on the CPU"]),
        ([LARGE, "data=shapes", "trainer.accelerator=cpu"], []),
        ([LARGE, "data=shapes", "method=direct"], []),
    ],
)
def test_a_training_that_is_hardly_meant_so_is_warned_of(overrides, said, monkeypatch) -> None:
    composed = config(*overrides)
    rewarded = composed.method.training == "grpo_gr"
    warned = list(_warnings(composed, CPU, rewarded=rewarded))
    assert len(warned) == len(said)
    for line, beginning in zip(warned, said, strict=True):
        assert line.startswith(beginning)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert not any("CUDA None" in each for each in _warnings(composed, CPU, rewarded=rewarded))
    if rewarded:
        assert not any("judge" in each for each in _warnings(composed, CPU, rewarded=False))
