"""``metrics.jsonl``: the training metrics of a run, one line a step, in the run's own folder."""

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from grit.files import written_whole


class MetricsLog(Logger):
    """A Lightning logger that appends to a file.

    A resumed run takes back the lines of steps after its checkpoint, which it does again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def version(self) -> str:
        """There is one version: the run's."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Nothing: the run's folder holds its configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **metrics}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())  # a checkpoint must not outlive the lines of its steps

    @rank_zero_only
    def rewind(self, step: int) -> None:
        """Take back the lines of ``step`` and later."""
        if self.path.exists():
            kept = [line for line in self._lines() if json.loads(line)["step"] < step]
            with written_whole(self.path) as stream:
                stream.writelines(kept)

    def rows(self) -> list[dict[str, Any]]:
        """The lines so far; one that a kill left unfinished is no line."""
        return [json.loads(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return [line for line in lines if line.endswith("\n")]
