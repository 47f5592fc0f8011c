"""What ``trainer.precision`` means for the parts of a run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from grit.rollout.sampler import Sampler


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_evaluation_computes_as_the_rollout_does(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    mixed = []
    sample = Sampler.sample

    def watched(*arguments: Any, **named: Any) -> Any:
        mixed.append(torch.is_autocast_enabled("cpu"))
        return sample(*arguments, **named)

    monkeypatch.setattr(Sampler, "sample", watched)
    ended = command(
        *("experiment=smoke", "model=tiny_qwen", f"trainer.precision={precision}", "logger=none"),
        *("trainer.max_steps=1", "training.prompts_per_step=2", "trainer.progress_bar=false"),
    )
    assert ended.code == 0
    assert len(mixed) >= 3  # before training, in it, and after it
    assert set(mixed) == {precision == "bf16-mixed"}
