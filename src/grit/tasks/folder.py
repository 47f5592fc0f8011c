"""A run's folder: what it was begun with, and how to go on with it."""

import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import join

import torch
import yaml

from grit.configuration import config_hash, plain
from grit.errors import GritError
from grit.files import write_json, written_whole
from grit.reporting.results import git_commit
from grit.schema import Config
from grit.training.checkpoints import latest, steps_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunFolder:
    """The folder of a training run. Nothing in it is ever deleted by a start."""

    folder: Path
    overrides: tuple[str, ...]
    resumed: bool

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie."""
        return self.folder / "checkpoints"

    @property
    def checkpoint(self) -> Path | None:
        """What to go on from."""
        return latest(self.checkpoints)

    @classmethod
    def begin(cls, config: Config, folder: Path, overrides: list[str]) -> "RunFolder":
        """Begin a run in ``folder``, or go on with the one that is there.

        Raises:
            GritError: the folder holds a run and ``resume`` is false, or a run of another
                configuration.
        """
        record = folder / "run.json"
        if record.exists():
            _check_same(config, record)
            return cls(folder, tuple(overrides), resumed=True)
        if config.resume:
            log.info("resume=true: there is no run in %s to go on with; one begins there", folder)
        with written_whole(folder / "config.yaml") as stream:
            yaml.safe_dump(plain(config), stream, sort_keys=False, allow_unicode=True)
        write_json(
            record,
            {
                "config_hash": config_hash(config),
                "git": git_commit(),
                "overrides": overrides,
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
                "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
            },
        )
        return cls(folder, tuple(overrides), resumed=False)

    def steps_done(self) -> int:
        """The step that the checkpoint goes on with."""
        return 0 if self.checkpoint is None else steps_of(self.checkpoint)

    def resume_command(self) -> str:
        """The command that goes on with this run."""
        kept = [o for o in self.overrides if not o.startswith(("resume=", "hydra.run.dir="))]
        folder = self.folder
        if folder.is_relative_to(Path.cwd()):
            folder = folder.relative_to(Path.cwd())
        return join(["python", "-m", "grit", *kept, f"hydra.run.dir={folder}", "resume=true"])


def run_name(config: Config) -> str:
    """What a run is called in W&B and in its report."""
    parts = [config.model.name, config.data.name, config.method.name]
    if config.reward.name != "grpo_gr":
        parts.append(config.reward.name)
    return "-".join([*parts, f"seed{config.seed}"])


def _check_same(config: Config, record: Path) -> None:
    if not config.resume:
        raise GritError(
            f"{record.parent} holds a run already: resume=true goes on with it, "
            "another hydra.run.dir begins a new one"
        )
    if json.loads(record.read_text(encoding="utf-8"))["config_hash"] != config_hash(config):
        raise GritError(
            f"resume=true: the configuration differs from that of the run in {record.parent} "
            f"(its config.yaml); give the same overrides or begin a new run"
        )
