"""The line that a run opens with: what it is made of, and where it goes."""

from pathlib import Path

from grit.config.schema import Config
from grit.runs.run_record import relative


def opening(config: Config, folder: Path, triplets: int) -> str:
    """Model, method, data with its number of ``triplets``, steps and folder in one line."""
    parts = [config.model.name, f"method={config.method.name}"]
    if config.task == "evaluate":
        parts.insert(1, f"checkpoint={config.checkpoint}" if config.checkpoint else "as it is")
    elif config.method.learns:
        training = config.training
        parts.append(f"{triplets} triplets of {config.data.name}")
        each = f"{config.trainer.max_steps} steps of {training.prompts_per_step} prompts"
        if config.method.training == "grpo_gr":
            each += f" x {training.group_size} completions"
            parts.append(f"reward={config.reward.name}")
        parts.append(each)
    else:
        parts.append("no training")
    parts += [f"suite={config.suite.name}", f"judge={config.judge.label}", f"seed={config.seed}"]
    return f"{', '.join(parts)}: {relative(folder)}"
