"""The record of a run (``run.json``): what it started with, and whether it has finished.

This module must not import torch, which takes seconds and reads its thread settings on import.
"""

import json
import logging
from pathlib import Path
from typing import Any

from grit.config.identity import config_hash
from grit.config.schema import Config
from grit.core.errors import GritError

log = logging.getLogger(__name__)
RECORD, CONFIG = "run.json", "config.yaml"
RESULTS = "results.json"  # marks the folder of a finished run
VALIDATION = "validation.jsonl"
PREDICTIONS = "predictions.jsonl"
BEFORE_PREDICTIONS = "predictions.before.jsonl"  # of before training


def unfinished(config: Config, root: Path) -> Path:
    """The folder below ``root`` of the newest unfinished run of this configuration.

    Raises:
        GritError: there is none.
    """
    wanted = config_hash(config)
    unfinished_runs: list[tuple[str, Path]] = []
    for record in root.glob(f"*/*/{RECORD}"):
        try:
            begun = read_record(record)
        except GritError as error:  # perhaps of another run
            log.warning("resume=true: left out: %s", error)
            continue
        if begun["config_hash"] == wanted and "finished" not in begun:
            unfinished_runs.append((begun["started"], record.parent))
    if not unfinished_runs:
        raise GritError(
            f"resume=true: no unfinished run of this configuration in {relative(root)}; give the "
            "same overrides as then, name its folder by hydra.run.dir=, or begin a new run"
        )
    return max(unfinished_runs)[1]


def relative(folder: Path) -> Path:
    """The folder, relative to the working directory if it is below that."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def read_record(record: Path) -> dict[str, Any]:
    """The content of a ``run.json``.

    Raises:
        GritError: it is damaged.
    """
    try:
        begun = json.loads(record.read_text(encoding="utf-8"))
    except ValueError:
        begun = None
    if not (isinstance(begun, dict) and {"config_hash", "started"} <= begun.keys()):
        raise GritError(f"{record}: is damaged; name another folder by hydra.run.dir=")
    return begun


def code_of(folder: Path) -> str | None:
    """The fingerprint of the code that a run's results are made by, or None without a record.

    Raises:
        GritError: the record is damaged.
    """
    record = folder / RECORD
    return read_record(record).get("code") if record.exists() else None


def check_run(folder: Path) -> None:
    """Raise GritError if a folder lacks the configuration, record or predictions of a run."""
    for name in (CONFIG, RECORD, PREDICTIONS):
        if not (folder / name).is_file():
            raise GritError(f"runs: {folder}: {name} is missing: expected the folder of a run")
