"""The command in a process of its own, and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

PYTHON = os.environ.get("VLLM_PYTHON")  # of the environment with vLLM
QUIET = ("logger=none", "trainer.progress_bar=false", "trainer.accelerator=cpu", "threads=1")


def grit(*overrides: str) -> None:
    """``python -m grit``, which has to end well."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    ended = subprocess.run(
        [sys.executable, "-m", "grit", *QUIET, *overrides],
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]


def completions(folder: Path) -> list[tuple[str, str, str]]:
    """Set, id and text of each completion of an evaluation."""
    rows = map(json.loads, (folder / "predictions.jsonl").read_text().splitlines())
    return [(row["set"], row["id"], row["completion"]) for row in rows]
