"""The settings of evaluation."""

from typing import Literal

from grit.core.settings import setting, settings

Harness = Literal["lmms_eval", "vlmevalkit"]


@settings
class EvaluationSettings:
    """Greedy evaluation, answers sampled beside it, and validation during training."""

    max_new_tokens: int = setting("a completion that reaches it is truncated", 1000, ge=1)
    samples: int = setting(
        "answers to sample to each question beside the greedy one, for pass@k and mean@N; 0: none",
        0,
        ge=0,
    )
    temperature: float = setting("that the sampled answers are drawn at", 1.0, gt=0)
    every: int = setting(
        "steps of training between validations on the sets of `validation`; 0: none",
        0,
        ge=0,
        changes_results=False,
    )
    patience: int | None = setting(
        "training ends after so many validations without a better score; null: it never does",
        None,
        ge=1,
    )
    before_training: bool = setting("evaluate the base too", True, changes_results=False)
    after_training: bool = setting("evaluate what was trained", True)
    harnesses: list[Harness] = setting(
        "whose files the predictions are written to as well", list, changes_results=False
    )
