"""Model folders as the Hub has them: the real vocabulary, few layers of random weights.

Whatever touches a real model's files is tested on one of these: tokenizer, chat template, processor
numbers, names and types of the stored weights are the Hub's; only the towers are small.
"""

import json
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from filelock import FileLock

from replicas.folders import (
    REAL_INTERNVL,
    REAL_QWEN,
    REAL_QWEN_7B,
    write_internvl,
    write_qwen,
)
from replicas.glm4v import write_glm4v
from replicas.internvl3_5 import REAL as REAL_INTERNVL3_5
from replicas.internvl3_5 import write_internvl3_5
from replicas.internvl_chat import write_internvl_chat
from replicas.qwen3_vl import REAL as REAL_QWEN3
from replicas.qwen3_vl import write_qwen3

MAKERS: dict[str, Callable[[Path], Path]] = {
    "qwen": write_qwen,
    "qwen_new": lambda folder: write_qwen(folder, age="new", tied=False),
    "qwen3": write_qwen3,
    "internvl": write_internvl,
    "internvl3_5": write_internvl3_5,
    "internvl_new": lambda folder: write_internvl(folder, age="new"),
    # What GRIT's authors released: a former name of the processor, and InternVL's own layout.
    "qwen_released": lambda folder: write_qwen(
        folder, image_processor="Qwen2_5_VLImageProcessor", seed=1
    ),
    "internvl_released": write_internvl_chat,
}
OTHER_VOCABULARY: dict[str, Callable[[Path], Path]] = {"glm": write_glm4v}
REAL_SIZE = {  # without weights
    "qwen_real": lambda folder: write_qwen(folder, sizes=REAL_QWEN),
    "internvl_real": lambda folder: write_internvl(folder, sizes=REAL_INTERNVL),
    "qwen_7b": lambda folder: write_qwen(folder, sizes=REAL_QWEN_7B, tied=False),
    "internvl3_5_1b": lambda folder: write_internvl3_5(folder, sizes=REAL_INTERNVL3_5["1b"]),
    "internvl3_5_2b": lambda folder: write_internvl3_5(folder, sizes=REAL_INTERNVL3_5["2b"]),
    "internvl3_5_4b": lambda folder: write_internvl3_5(folder, sizes=REAL_INTERNVL3_5["4b"]),
    "qwen3_2b": lambda folder: write_qwen3(folder, sizes=REAL_QWEN3["2b"]),
    "qwen3_4b": lambda folder: write_qwen3(folder, sizes=REAL_QWEN3["4b"]),
    "qwen3_8b": lambda folder: write_qwen3(folder, sizes=REAL_QWEN3["8b"], tied=False),
}
_OF_INTERNVL = {"min_patches": 1, "max_patches": 2}
IMAGE_SETTINGS = {  # the paper's number of image tokens (conf/model)
    "qwen": {"min_pixels": 3136, "max_pixels": 200704},
    "qwen3": {"min_pixels": 4096, "max_pixels": 262144},
    "internvl": _OF_INTERNVL,
    "internvl3_5": _OF_INTERNVL,
    "glm": {"max_pixels": 401408},  # it counts two equal frames: 256 * 28 * 28 each
}
FAMILIES = ("qwen", "qwen3", "internvl")


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
                (MAKERS | OTHER_VOCABULARY | REAL_SIZE)[name](partial).rename(folder)
        return folder


def linked(folder: Path, place: Path, *, without: Container[str] = ()) -> Path:
    """A copy of a replica to change files of, at ``place``: links to its files, but for some."""
    place.mkdir(parents=True)
    for file in folder.iterdir():
        if file.name not in without:
            (place / file.name).symlink_to(file)
    return place


def rewritten(file: Path, **fields: Any) -> None:
    """Give fields of a JSON file of a linked replica other values; a None takes a field away."""
    found = json.loads(file.read_text(encoding="utf-8")) | fields
    file.unlink()
    kept = {name: value for name, value in found.items() if value is not None}
    file.write_text(json.dumps(kept), encoding="utf-8")
