"""``metrics.jsonl``: the training metrics of a run, one line per step, in the run's folder."""

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from grit.core.errors import GritError
from grit.core.files import written_whole


class MetricsLog(Logger):
    """A Lightning logger that appends to a JSON Lines file.

    A resumed run removes the lines of steps after its checkpoint, because it repeats these steps.
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
        """Empty: a run has only one version."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Nothing: the configuration is in the run's folder already."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append one line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step, **metrics}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())  # on disk before the checkpoint of their steps

    @rank_zero_only
    def rewind(self, step: int) -> None:
        """Remove the lines of ``step`` and later steps."""
        if self.path.exists():
            kept = [line for line, row in self._read() if row["step"] < step]
            with written_whole(self.path) as stream:
                stream.writelines(kept)

    def rows(self) -> list[dict[str, Any]]:
        """The metrics of all lines; an unfinished last line, left by a kill, is ignored.

        Raises:
            GritError: a line is damaged; names it.
        """
        return [row for _, row in self._read()]

    def _read(self) -> list[tuple[str, dict[str, Any]]]:
        """Each complete line with its parsed metrics."""
        *lines, _ = self.path.read_bytes().split(b"\n")
        read = []
        for number, line in enumerate(lines, start=1):
            row = _parsed(line)
            if row is None:
                raise GritError(
                    f"{self.path} line {number}: is damaged: expected an object of numbers with a "
                    "step; take the line out"
                )
            read.append((line.decode() + "\n", row))
        return read


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line's metrics; None if it is not as ``log_metrics`` writes it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        return None
    return row if all(isinstance(value, int | float) for value in row.values()) else None
