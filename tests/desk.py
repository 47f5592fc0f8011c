"""The command line as a researcher would use it, in processes.

A reward term of the tests' own makes the tiny model learn something within four steps, so that
before and after differ, and interrupts a run where told to.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from warmed import PATIENCE, Started, server

Done = subprocess.CompletedProcess[str]
SECRETS = {
    "WANDB_API_KEY": "dummy-secret-9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
    "OPENAI_API_KEY": "sk-dummy-secret-openai-0123456789",
    "HF_TOKEN": "hf_dummysecret0123456789",
}
TERM = '''
import os
import signal


def variety(response):
    """How many different characters a completion has; Ctrl-C in the first step where asked for."""
    if response.dataset == "rehearsal":
        return 1.0
    if os.environ.pop("INTERRUPT", None):
        os.kill(os.getpid(), signal.SIGINT)
    if "CALLS" in os.environ:
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(".")
    return len(set(response.trace.text)) / 10
'''


class Desk:
    """A folder to work in, and an environment without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        library = folder.parent / f"{folder.name}-library"
        library.mkdir()
        (library / "mine.py").write_text(TERM, encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "HYDRA_"))}
        self.environment = {
            **kept,
            **SECRETS,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(library),
            "COLUMNS": "120",
            "HOME": str(library),
            "HF_HOME": str(library / "hub"),
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "WANDB_MODE": "offline",
            "WANDB_CACHE_DIR": str(library / "wandb"),
            "WANDB_CONFIG_DIR": str(library / "wandb"),
            "WANDB_DATA_DIR": str(library / "wandb"),
        }
        self.environment.pop("HF_HUB_OFFLINE", None)

    def calls(self, name: str) -> str:
        """A file that gets a character for each completion that a run scores in training."""
        return f"{self.environment['PYTHONPATH']}/{name}"

    def grit(self, *arguments: str, **environment: str) -> Done:
        """``python -m grit``, in a process that has the libraries already."""
        return self.start(*arguments, **environment).done()

    def start(self, *arguments: str, **environment: str) -> Started:
        """The same, without waiting for its end."""
        order = ["-m", "grit", *arguments]
        return server().start(order, self.folder, self.environment | environment)

    def process(self, *arguments: str, **environment: str) -> Done:
        """``python -m grit``, in a process of its own from the start."""
        return subprocess.run(
            [sys.executable, "-m", "grit", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def refused(done: Done) -> str:
    """The one line that a command ends in where something is wrong."""
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("grit: ")
    return lines[0]


def succeeded(done: Done) -> Done:
    assert (done.returncode, done.stderr) == (0, "")
    return done


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def results(folder: Path, name: str = "results.json") -> dict[str, Any]:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
