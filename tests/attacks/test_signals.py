"""SIGTERM at any moment of a run of several processes, by way of torchrun as clusters send it.

``make attack`` takes more moments than CI has time for.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MOMENTS = int(os.environ.get("ATTACKS", "1"))
STEPS = 8


def command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
        *("-m", "grit", "experiment=smoke", "trainer=ddp", "trainer.devices=2"),
        *("trainer.accelerator=cpu", "threads=1", f"trainer.max_steps={STEPS}"),
        *("logger=none", "trainer.progress_bar=false", f"hydra.run.dir={folder}"),
    ]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_sigterm_at_any_moment_of_training_ends_in_a_line_and_a_checkpoint(
    tmp_path: Path, moment: int
) -> None:
    folder, said = tmp_path / "run", tmp_path / "said"
    metrics = folder / "metrics.jsonl"
    chance = random.Random(moment)
    with said.open("w") as stream:
        process = subprocess.Popen(
            command(folder), cwd=tmp_path, env=environment(), stdout=stream, stderr=stream
        )
    while process.poll() is None and not metrics.exists():
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 1.5))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) != 0
    text = said.read_text()
    assert "src/grit/" not in text, text[-3000:]  # torchrun itself ends in a traceback
    lines = [line for line in text.splitlines() if line.startswith("grit: ")]
    assert lines, text[-3000:]
    assert all("go on with: torchrun " in line for line in lines), lines
    again = [*command(folder), "resume=true"]
    done = subprocess.run(again, cwd=tmp_path, env=environment(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == list(range(STEPS))
    assert (folder / "results.json").exists()
