"""Names of trained weights that a run has evaluated but not trained."""

from pathlib import PurePath

# The weights released by GRIT's authors, as --help and the experiments name them.
RELEASED = ("yfan1997/GRIT-20-Qwen2.5-VL-3B", "yfan1997/GRIT-20-InternVL-2B")
BEFORE_TRAINING = "before training"  # in the place of a checkpoint: a run's base
_KEPT = 2  # last parts of a path that a label has


def is_released(checkpoint: str) -> bool:
    """Whether a checkpoint is one that GRIT's authors released, at any revision."""
    return checkpoint.partition("@")[0] in RELEASED


def checkpoint_label(checkpoint: str) -> str:
    """The label of a checkpoint in a table's row.

    >>> checkpoint_label("yfan1997/GRIT-20-InternVL-2B")
    'released'
    >>> checkpoint_label("/home/me/runs/2026-11-23/model")
    'checkpoint=2026-11-23/model'
    """
    if is_released(checkpoint):
        return "released"
    if checkpoint == BEFORE_TRAINING:
        return checkpoint
    return f"checkpoint={'/'.join(PurePath(checkpoint).parts[-_KEPT:])}"


def method_label(method: str, checkpoint: str | None) -> str:
    """A method's name, with the label of the evaluated checkpoint if there is one."""
    return method if checkpoint is None else f"{method} ({checkpoint_label(checkpoint)})"
