"""The settings of evaluation."""

from grit.core.settings import setting, settings


@settings
class EvaluationSettings:
    """Greedy evaluation."""

    max_new_tokens: int = setting("a completion that reaches it is truncated", 1000, ge=1)
    before_training: bool = setting("evaluate the base too", True, changes_results=False)
    after_training: bool = setting("evaluate what was trained", True)
