"""What trained weights are called that a run has evaluated and not trained."""

from pathlib import PurePath

# By GRIT's authors; what --help and the experiments' files name.
RELEASED = ("yfan1997/GRIT-20-Qwen2.5-VL-3B", "yfan1997/GRIT-20-InternVL-2B")
_KEPT = 2  # last parts of a path: others name this machine's folders


def is_released(checkpoint: str) -> bool:
    """Whether they are those that GRIT's authors released, at whatever revision."""
    return checkpoint.partition("@")[0] in RELEASED


def checkpoint_label(checkpoint: str) -> str:
    """Whose weights they are, for a row's label.

    >>> checkpoint_label("yfan1997/GRIT-20-InternVL-2B")
    'released'
    >>> checkpoint_label("/home/me/runs/2026-11-23/model")
    'checkpoint=2026-11-23/model'
    """
    if is_released(checkpoint):
        return "released"
    return f"checkpoint={'/'.join(PurePath(checkpoint).parts[-_KEPT:])}"


def method_label(method: str, checkpoint: str | None) -> str:
    """A method's name, and whose weights answered where the run has not trained them."""
    return method if checkpoint is None else f"{method} ({checkpoint_label(checkpoint)})"
