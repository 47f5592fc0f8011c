"""Model folders as the Hub has them: the real vocabulary, few layers of random weights.

Whatever touches a real model's files is tested on one of these: tokenizer, chat template, processor
numbers, names and types of the stored weights are the Hub's; only the towers are small.
"""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from replicas.folders import write_internvl, write_qwen

MAKERS: dict[str, Callable[[Path], Path]] = {
    "qwen": write_qwen,
    "qwen_new": lambda folder: write_qwen(folder, age="new", tied=False),
    "internvl": write_internvl,
    "internvl_new": lambda folder: write_internvl(folder, age="new"),
}
REAL_SIZE = {  # without weights
    "qwen_real": lambda folder: write_qwen(folder, real_size=True),
    "internvl_real": lambda folder: write_internvl(folder, real_size=True),
}
FAMILIES = ("qwen", "internvl")


class Shelf:
    """Replicas by name, each written once for all workers of a test run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, name: str) -> Path:
        """The folder of a replica; leave it as it is."""
        folder = self.root / name
        with FileLock(self.root / f"{name}.lock"):
            if not folder.exists():
                partial = self.root / f".{name}"
                (MAKERS | REAL_SIZE)[name](partial).rename(folder)
        return folder
