"""Settings of training for tests: short, and named where a test is about them."""

from typing import Any

from grit.models.settings import LoraSettings
from grit.rewards.settings import RewardSettings, TermSettings
from grit.training.settings import SFTSettings, TrainingSettings


def training(**changes: Any) -> TrainingSettings:
    """Four steps at a rate that a random model learns at; ``changes`` replace fields."""
    fields = {"steps": 4, "learning_rate": 5e-3, "sft": sft()}
    return TrainingSettings(**(fields | changes))


def sft(**changes: Any) -> SFTSettings:
    return SFTSettings(**({"steps": 4, "learning_rate": 5e-3, "traces": "plain"} | changes))


def lora(rank: int, alpha: int, target_modules: list[str], dropout: float = 0.0) -> LoraSettings:
    return LoraSettings(rank=rank, alpha=alpha, dropout=dropout, target_modules=target_modules)


def reward(
    terms: dict[str, tuple[str, float]], counting: list[str] | None = None
) -> RewardSettings:
    """Of terms by their names: dotted path and weight."""
    made = {name: TermSettings(call=call, weight=weight) for name, (call, weight) in terms.items()}
    return RewardSettings(name="mine", counting_datasets=counting or [], terms=made)
