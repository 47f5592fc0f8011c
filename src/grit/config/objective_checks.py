"""Checks of objectives: settings that would train something else together than each says."""

from grit.config.schema import Config
from grit.core.errors import GritError


def check_objective(config: Config) -> None:
    """Raise GritError for parts of the loss that do not fit together."""
    if config.task not in ("train", "check") or config.method.training != "grpo_gr":
        return
    _check_dropout(config)
    training = config.training
    if training.perception.top_share is not None and training.ratio != "token":
        raise GritError(
            "config: training.perception.top_share keeps advantages of single tokens (VPPO), and "
            f"training.ratio={training.ratio} gives that of one to all: use training.ratio=token"
        )
    limit, high = training.objective.ratio_limit, training.objective.epsilon_high
    end = 1 + (training.epsilon if high is None else high)
    if training.objective.surrogate == "clipped" and limit is not None and limit <= end:
        raise GritError(
            f"config: training.objective.ratio_limit={limit:g} must be above {end:g}, where ratios "
            "are clipped: it is a ratio, and not half an interval's width"
        )


def _check_dropout(config: Config) -> None:
    """Refuse dropout where probabilities of two scorings are divided: their masks would differ."""
    training, rollout = config.training, config.rollout
    engine = rollout.merge_lora or rollout.name == "vllm"
    divided = training.updates_per_rollout > 1 or training.perception.active or engine
    dropout = config.model.lora.dropout if config.model.adaptation == "lora" else 0.0
    if dropout and divided:
        raise GritError(
            f"config: model.lora.dropout={dropout:g} would change the ratios of probabilities that "
            "several updates_per_rollout, PAPO, VPPO, merge_lora and rollout=vllm take; 0 does not"
        )
