"""Arms of a comparison, each measured in a process of its own, whose peak memory is then its own.

What an arm gave is kept in a JSON file: a comparison that was stopped goes on with the arms that
are missing.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.shape import Shape
from grit.core.errors import GritError
from grit.core.files import write_json

MEMORY = 0.9 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
"""Bytes that an arm on the CPU may take. Without a bound the system kills what it likes, in a
container everything."""
OUT_OF_MEMORY = 75  # exit status of an arm that needs more
VERSIONS = ("torch", "transformers", "trl", "pytorch-lightning", "peft")


@dataclass(frozen=True)
class Arm:
    """One program on one shape."""

    label: str
    shape: Shape
    program: str = "ours"  # or "trl"
    parts: dict[str, Any] = field(default_factory=dict)  # settings of ours that differ

    @property
    def file(self) -> str:
        """Where its measurement is kept."""
        words = f"{self.shape.model}-n{self.shape.group_size}-{self.label}"
        return "".join(c if c.isalnum() or c == "-" else "_" for c in words) + ".json"


@dataclass(frozen=True)
class Measurement:
    """Medians over the measured steps of an arm."""

    rollout: float  # seconds
    update: float  # seconds
    step: float  # seconds
    tokens: float  # of all completions
    peak: float  # bytes: of the process, or of the GPU's memory
    reference: float | None = None  # seconds; None: TRL's, which is a part of its rollout


class OutOfMemory(GritError):
    """An arm needs more memory than it may take."""


def measured(arm: Arm, folder: Path) -> Measurement:
    """What ``arm`` gives, from its file where it was measured before.

    Raises:
        OutOfMemory: the arm needs more than ``MEMORY``.
        GritError: it failed; its output has been shown.
    """
    path, wanted = folder / arm.file, json.loads(json.dumps(asdict(arm)))
    now = {"arm": wanted, **circumstances(arm)}
    if not path.exists() or not now.items() <= json.loads(path.read_text("utf-8")).items():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"measuring {arm.file.removesuffix('.json')}", flush=True)
        command = [sys.executable, "-m", "benchmarks.arms", json.dumps(wanted), str(path)]
        quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=os.environ | quiet, check=False)
        if done.returncode == OUT_OF_MEMORY:
            raise OutOfMemory(f"{arm.label}: needs more than {MEMORY / 1e9:.1f} GB of memory")
        if done.returncode:
            raise GritError(f"{arm.label}: its process ended with {done.returncode}; see above")
    return Measurement(**json.loads(path.read_text("utf-8"))["measurement"])


def circumstances(arm: Arm) -> dict[str, Any]:
    """Versions and machine: what was measured by others is measured again."""
    from benchmarks.entry import machine  # which takes VERSIONS from here

    names = [name for name in VERSIONS if arm.program == "trl" or name != "trl"]
    return {"versions": {name: version(name) for name in names}, "machine": machine()}


def measure_here(arm: Arm) -> Measurement:
    """Measure in this process."""
    if arm.program == "trl":
        from benchmarks import theirs

        steps = theirs.measure(arm.shape, arm.parts)
    else:
        from benchmarks import ours

        steps = ours.measure(arm.shape, arm.parts)
    expected = arm.shape.prompts * arm.shape.group_size * arm.shape.completion
    if any(round(step["tokens"]) != expected for step in steps):
        raise GritError(f"{arm.label}: a step did not make {expected} tokens: {steps}")
    medians = {name: median(step[name] for step in steps) for name in steps[0]}
    return Measurement(**medians, peak=_peak(arm.shape))


def _peak(shape: Shape) -> float:
    if shape.device == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0  # Linux counts KiB


def main(arguments: Sequence[str]) -> None:
    """Measure one arm, given as JSON, into a file."""
    values = json.loads(arguments[0])
    arm = Arm(**values | {"shape": Shape(**values["shape"])})
    found = circumstances(arm)
    if arm.shape.device == "cpu":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (int(MEMORY), hard))
    try:
        measurement = measure_here(arm)
    except (MemoryError, RuntimeError) as error:  # torch has no class for the CPU's
        if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
            raise
        sys.exit(OUT_OF_MEMORY)
    content = {"arm": asdict(arm), "measurement": asdict(measurement)} | found
    write_json(Path(arguments[1]), content)


if __name__ == "__main__":
    main(sys.argv[1:])
