"""Names of trained weights that a run has evaluated but not trained."""

from pathlib import PurePath

# The weights released by GRIT's authors, as --help and the experiments name them.
RELEASED = ("yfan1997/GRIT-20-Qwen2.5-VL-3B", "yfan1997/GRIT-20-InternVL-2B")
BEFORE_TRAINING = "before training"  # in the place of a checkpoint: a run's base
_WITHIN = ("model", "checkpoints")  # folders of a run


def is_released(checkpoint: str) -> bool:
    """Whether a checkpoint is one that GRIT's authors released, at any revision."""
    return checkpoint.partition("@")[0] in RELEASED


def checkpoint_label(checkpoint: str) -> str:
    """The label of a checkpoint in a table's row.

    >>> checkpoint_label("yfan1997/GRIT-20-InternVL-2B")
    'released'
    >>> checkpoint_label("/home/me/runs/2026-11-23/model")
    'checkpoint=2026-11-23/model'
    >>> checkpoint_label("/home/me/runs/2026-11-23/model/best")
    'checkpoint=2026-11-23/model/best'
    """
    if is_released(checkpoint):
        return "released"
    if checkpoint == BEFORE_TRAINING:
        return checkpoint
    parts = PurePath(checkpoint).parts
    kept = 3 if parts[-2:-1] and parts[-2] in _WITHIN else 2
    return f"checkpoint={'/'.join(parts[-kept:])}"


def method_label(method: str, checkpoint: str | None) -> str:
    """A method's name, with the label of the evaluated checkpoint if there is one."""
    return method if checkpoint is None else f"{method} ({checkpoint_label(checkpoint)})"
