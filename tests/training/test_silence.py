"""A process that stops answering is said by the others, within a bound that is a setting."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

STOPS = """
import os
import signal


def term(response):
    if response.dataset != "rehearsal" and os.environ["RANK"] == "1":
        with open("stopped", "w") as stream:
            stream.write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    return len(response.trace.text) / 100
"""


def test_the_others_say_it(tmp_path):
    (tmp_path / "stops.py").write_text(STOPS, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
        *("-m", "grit", "experiment=smoke", "trainer=ddp", "trainer.devices=2"),
        *("trainer.accelerator=cpu", "threads=1", "hydra.run.dir=run", "trainer.max_silence=8"),
        *("logger=none", "evaluation.before_training=false", "trainer.progress_bar=false"),
        "+reward.terms.stops={call: stops.term, weight: 1.0}",
    ]
    said = tmp_path / "said"
    with said.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + 200
        while "grit: " not in said.read_text() and time.monotonic() < end:
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # torchrun would wait for the one that is stopped,
        os.kill(int((tmp_path / "stopped").read_text()), signal.SIGKILL)  # which has its own group
        process.wait()
    line = next(line for line in said.read_text().splitlines() if line.startswith("grit: "))
    assert "has not answered for trainer.max_silence=8 s: see what it said last" in line
    assert (
        "go on with: torchrun --standalone --nproc_per_node=2 --shutdown-timeout=900 -m grit "
        in line
    )
