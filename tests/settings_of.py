"""Settings of training for tests: short, and named where a test is about them."""

from typing import Any

from grit.models.settings import LoraSettings
from grit.rewards.settings import RewardSettings, TermSettings
from grit.training.costs import Load
from grit.training.settings import SFTSettings, TrainingSettings


def training(**changes: Any) -> TrainingSettings:
    """Four steps at a rate that a random model learns at; ``changes`` replace fields."""
    fields = {"steps": 4, "learning_rate": 5e-3, "sft": sft()}
    return TrainingSettings(**(fields | changes))


def sft(**changes: Any) -> SFTSettings:
    return SFTSettings(**({"steps": 4, "learning_rate": 5e-3, "traces": "plain"} | changes))


def load(**changes: Any) -> Load:
    """A step's work on one device, small; ``changes`` replace fields."""
    fields = {
        "prompts": 4,
        "completions": 4,
        "prompt_tokens": 70,
        "longest_prompt": 90,
        "image_tokens": 36,
        "new_tokens": 100,
        "learns": True,
        "reference": True,
        "copied_reference": True,
        "recomputed_layers": 0,
        "tokens_per_batch": 65536,
        "tokens_per_pass": 16384,
        "tokens_per_chunk": 256,
    }
    return Load(**(fields | changes))


def lora(rank: int, alpha: int, target_modules: list[str], dropout: float = 0.0) -> LoraSettings:
    return LoraSettings(rank=rank, alpha=alpha, dropout=dropout, target_modules=target_modules)


def reward(
    terms: dict[str, tuple[str, float]], counting: list[str] | None = None
) -> RewardSettings:
    """Of terms by their names: dotted path and weight."""
    made = {name: TermSettings(call=call, weight=weight) for name, (call, weight) in terms.items()}
    return RewardSettings(name="mine", counting_datasets=counting or [], terms=made)
