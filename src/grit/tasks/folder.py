"""A run's folder: what it was begun with, and how to go on with it."""

import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import join
from typing import Any

import torch
import yaml

from grit import processes
from grit.configuration import canonical, code_hash, config_hash, plain
from grit.errors import GritError
from grit.files import write_json, written_whole
from grit.models.loading import Checkpoint
from grit.reporting.evaluated import checkpoint_label
from grit.reporting.results import git_commit
from grit.schema import Config, Task
from grit.training.checkpoints import latest, steps_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunFolder:
    """The folder of a training run. Nothing in it is ever deleted by a start."""

    folder: Path
    overrides: tuple[str, ...]
    resumed: bool
    checkpoint: Path | None  # what it goes on from

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie."""
        return self.folder / "checkpoints"

    @classmethod
    def at(cls, config: Config, folder: Path, overrides: list[str]) -> "RunFolder":
        """Go on with the run that is in ``folder``, or with none; nothing is written yet.

        Raises:
            GritError: the folder holds a run and ``resume`` is false, a run of another
                configuration, or one whose record is damaged.
        """
        record = folder / "run.json"
        if record.exists():
            _check_same(config, record)
            found = latest(folder / "checkpoints")
            done, total = steps_of(found) if found else 0, config.trainer.max_steps
            where = f" after step {done} of {total}" if config.task is Task.train else ""
            log.info("resume=true: going on with %s%s", _shown(folder), where)
            return cls(folder, tuple(overrides), resumed=True, checkpoint=found)
        if config.resume:
            log.info("resume=true: there is no run in %s to go on with; one begins there", folder)
        return cls(folder, tuple(overrides), resumed=False, checkpoint=None)

    def begin(self, config: Config, checkpoint: Checkpoint | None = None) -> None:
        """Write down with what a new run began: from now on the folder is taken.

        Args:
            config: of the run.
            checkpoint: the trained weights that it evaluates.
        """
        if self.resumed:
            return
        with written_whole(self.folder / "config.yaml") as stream:
            yaml.safe_dump(plain(config), stream, sort_keys=False, allow_unicode=True)
        write_json(
            self.folder / "run.json",
            {
                "config_hash": config_hash(config),
                "result_hash": config_hash(canonical(config)),
                "code": code_hash(config),
                "git": git_commit(),
                "prompt": config.model.prompt.value,  # whose words stand around the user's turn
                "command": join([*processes.launcher(), "-m", "grit", *self.overrides]),
                "started": _now(),
                "checkpoint": checkpoint and {"name": checkpoint.name, "commit": checkpoint.commit},
                "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
            },
        )

    def end(self) -> None:
        """Note that the run is finished: nothing is left to go on with."""
        record = self.folder / "run.json"
        write_json(record, _read(record) | {"finished": _now()})

    def resume_command(self) -> str:
        """The command that goes on with this run."""
        kept = [o for o in self.overrides if not o.startswith(("resume=", "hydra.run.dir="))]
        where = f"hydra.run.dir={_shown(self.folder)}"
        return join([*processes.launcher(), "-m", "grit", *kept, where, "resume=true"])


def unfinished(config: Config, root: Path) -> Path:
    """The folder below ``root`` of the newest run of this configuration that has not finished.

    Raises:
        GritError: there is none.
    """
    wanted = config_hash(config)
    found: list[tuple[str, Path]] = []
    for record in root.glob("*/*/run.json"):
        try:
            begun = _read(record)
        except GritError as error:  # of another run, perhaps
            log.warning("resume=true: left out: %s", error)
            continue
        if begun["config_hash"] == wanted and "finished" not in begun:
            found.append((begun["started"], record.parent))
    if not found:
        raise GritError(
            f"resume=true: no unfinished run of this configuration in {_shown(root)}; give the "
            "same overrides as then, name its folder by hydra.run.dir=, or begin a new run"
        )
    return max(found)[1]


def run_name(config: Config) -> str:
    """What a run is called in W&B and in its report."""
    parts = [config.model.name, config.data.name, config.method.name]
    if config.checkpoint is not None:
        parts[1:2] = []  # no triplets were trained on
        return "-".join([*parts, checkpoint_label(config.checkpoint)])
    if config.reward.name != "grpo_gr":
        parts.append(config.reward.name)
    return "-".join([*parts, f"seed{config.seed}"])


def _shown(folder: Path) -> Path:
    """The folder as it is seen from here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(record: Path) -> dict[str, Any]:
    """A ``run.json``.

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


def _check_same(config: Config, record: Path) -> None:
    if not config.resume:
        raise GritError(
            f"{record.parent} holds a run already: resume=true goes on with it, "
            "another hydra.run.dir begins a new one"
        )
    if _read(record)["config_hash"] != config_hash(config):
        raise GritError(
            f"resume=true: the configuration differs from that of the run in {record.parent} "
            f"(its config.yaml); give the same overrides or begin a new run"
        )
