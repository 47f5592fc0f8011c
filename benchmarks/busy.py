"""Seconds of a default step with other work on the machine, waiting threads spinning or chosen.

Run it on an idle machine: ``python -m benchmarks.busy``. Each arm is a run of its own; the busy
arms have one program beside them that keeps a core busy. "Spinning" is OpenMP's default; "chosen"
is what ``grit.core.threads`` chooses at the start of a run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

SPINNING = {"GOMP_SPINCOUNT": "300000"}  # libgomp's own where nothing is set
GRIT = (
    *(sys.executable, "-m", "grit", "logger=none", "suite.limit=1"),
    *("trainer.progress_bar=false", "training.must_learn=false"),
)


def seconds(folder: Path, steps: int, environment: dict[str, str], *, busy: bool) -> list[float]:
    """Seconds of each step of a run but for the first, which sets things up."""
    beside = [sys.executable, "-c", "while True: pass"]
    other = subprocess.Popen(beside) if busy else None
    try:
        subprocess.run(
            [*GRIT, f"trainer.max_steps={steps + 1}", f"hydra.run.dir={folder}"],
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    finally:
        if other is not None:
            other.kill()
            other.wait()
    rows = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(row)["train/seconds/step"] for row in rows[1:]]


def main() -> None:
    """Measure all arms, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    steps = parser.parse_args().steps
    print("| waiting threads | idle, s | one busy program beside it, s |")
    print("| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as root:
        for name, environment in {"spinning": SPINNING, "chosen": {}}.items():
            found = [
                median(seconds(Path(root) / f"{name}-{busy}", steps, environment, busy=busy))
                for busy in (False, True)
            ]
            print(f"| {name} | {found[0]:.1f} | {found[1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
