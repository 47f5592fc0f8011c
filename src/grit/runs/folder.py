"""A run's folder: recording what a run started with, and resuming it."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shlex import join
from typing import Any

import torch
import yaml

from grit.config.command_line import override_of
from grit.config.identity import code_hash, config_hash, plain, without_unused_seed
from grit.config.schema import Config
from grit.config.stored import stored_config
from grit.core import interruption, locks, processes
from grit.core.errors import GritError
from grit.core.files import write_json, written_whole
from grit.core.fingerprints import fingerprint
from grit.models.loading import Checkpoint
from grit.runs.evaluated import checkpoint_label
from grit.runs.inputs import Inputs, check_hosts, check_inputs
from grit.runs.results import git_commit
from grit.runs.run_record import RECORD, read_record, relative
from grit.runs.twins import distinctions
from grit.training.checkpoints import latest, steps_of

log = logging.getLogger(__name__)
_CHANGED = "the code has changed since this run began: "
_TRAINED = _CHANGED + "its results are no repetition of a run that one code has made"
_EVALUATED = _CHANGED + "everything is evaluated again, by this code"


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, locked while it runs; starting never deletes anything in it."""

    folder: Path
    overrides: tuple[str, ...]
    resumed: bool
    checkpoint: Path | None  # to resume from
    inputs: Inputs = field(default_factory=dict)  # fingerprints of what it reads
    begun: Mapping[str, Any] | None = None  # its record, if it is resumed

    @classmethod
    def at(
        cls, config: Config, folder: Path, overrides: list[str], inputs: Inputs | None = None
    ) -> "RunFolder":
        """The run in ``folder``, to be resumed or started; nothing is written yet.

        Args:
            config: of the run.
            folder: of the run.
            overrides: of the command line.
            inputs: fingerprints of the rows and pictures that it reads.

        Raises:
            GritError: the folder has a run and ``resume`` is false; or its run has another
                configuration, other rows or pictures, or a damaged record; or another process
                holds its lock.
        """
        inputs = inputs or {}
        record = folder / RECORD
        if record.exists():
            if config.resume:
                locks.hold(folder)
            begun = _check_same(config, record, inputs)
            found = latest(folder / "checkpoints")
            done, total = steps_of(found) if found else 0, config.trainer.max_steps
            where = f" after step {done} of {total}" if config.task == "train" else ""
            log.info("resume=true: going on with %s%s", relative(folder), where)
            if code_hash(config) not in _codes(begun):
                log.warning("resume=true: %s", _TRAINED if _trains(config) else _EVALUATED)
            return cls(folder, tuple(overrides), True, found, inputs, begun)
        if config.resume:
            log.info("resume=true: there is no run in %s to go on with; one begins there", folder)
        return cls(folder, tuple(overrides), resumed=False, checkpoint=None, inputs=inputs)

    @classmethod
    def shared(
        cls, config: Config, folder: Path, overrides: list[str], inputs: Callable[[], Inputs]
    ) -> "RunFolder":
        """As ``at``, with the result of rank 0 on every rank; all ranks have to call it.

        Raises:
            GritError: as ``at``, or a host has other settings, code or files than that of rank 0.
        """
        read = inputs() if os.environ.get("LOCAL_RANK", "0") == "0" else None
        made_by = {"the settings": config_hash(config), "the files of the code": code_hash(config)}
        check_hosts(None if read is None else {**made_by, **read})
        found = cls.at(config, folder, overrides, read) if processes.rank() == 0 else None
        run = processes.all_gather(found)[0]
        assert run is not None
        return run

    def begin(
        self,
        config: Config,
        checkpoint: Checkpoint | None = None,
        annotation: str | None = None,
    ) -> None:
        """Lock the folder and write ``config.yaml`` and ``run.json``.

        Of a run that is resumed, only the code that goes on with it is added to ``run.json``.

        Args:
            config: of the run.
            checkpoint: the trained weights that it evaluates.
            annotation: what it, or the run that trained these weights, learns from.

        Raises:
            GritError: another run has started here since ``at``.
        """
        if not self.resumed:
            locks.hold(self.folder)
            if (self.folder / RECORD).exists():
                raise _taken(self.folder)
        interruption.set_resume_command(self.resume_command())
        if self.begun is not None:
            self._note_code(config, self.begun)
        if self.resumed:
            return
        with written_whole(self.folder / "config.yaml") as stream:
            yaml.safe_dump(plain(config), stream, sort_keys=False, allow_unicode=True)
        write_json(
            self.folder / RECORD,
            {
                "config_hash": config_hash(config),
                "result_hash": config_hash(without_unused_seed(config)),
                "code": code_hash(config),
                "git": git_commit(),
                "prompt": config.model.prompt,  # format of the text around the user's turn
                "command": join([*processes.launcher(), "-m", "grit", *self.overrides]),
                "started": _now(),
                "checkpoint": checkpoint and {"name": checkpoint.name, "commit": checkpoint.commit},
                "annotation": annotation,
                "inputs": dict(self.inputs),
                "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
            },
        )

    def _note_code(self, config: Config, begun: Mapping[str, Any]) -> None:
        """Record which code the results of a resumed run are made by, where it is not one alone.

        Only training goes on from what was there: an evaluation asks and scores everything again.
        """
        code, commit = code_hash(config), git_commit()
        codes, commits = _codes(begun), [begun.get("git"), commit]
        if not _trains(config):
            codes, commits = [], [commit]
        made = list(dict.fromkeys([*codes, code]))
        if made == _codes(begun):
            return
        told = {
            "code": code if made == [code] else fingerprint(made),
            "codes": made,
            "git": ", then ".join(dict.fromkeys(filter(None, commits))) or None,
        }
        # Until its end, its results are still those of the former code.
        kept = {name: value for name, value in begun.items() if name != "finished"}
        write_json(self.folder / RECORD, kept | told)

    def end(self) -> None:
        """Record that the run has finished and need not be resumed."""
        record = self.folder / RECORD
        ended = {"finished": _now(), "resumed": self.resumed}
        write_json(record, read_record(record) | ended)

    @property
    def steps_done(self) -> int:
        """Training steps before its start: those of the checkpoint that it resumes from, or 0."""
        return steps_of(self.checkpoint) if self.checkpoint else 0

    def resume_command(self) -> str:
        """The command that resumes this run.

        Of a job it is that of the whole multirun, which begins the jobs that are left too: the
        job alone would overwrite an experiment's table with one of itself.
        """
        again = interruption.whole()
        if again is None:
            kept = [o for o in self.overrides if not o.startswith(("resume=", "hydra.run.dir="))]
            again = [*kept, override_of("hydra.run.dir", str(relative(self.folder))), "resume=true"]
        return join([*processes.launcher(), "-m", "grit", *again])


def run_name(config: Config) -> str:
    """The name of a run in dashboards and in its report."""
    parts = [config.model.name, config.data.name, config.method.name]
    if config.checkpoint is not None:
        parts[1:2] = []  # no triplets were trained on
        return "-".join([*parts, checkpoint_label(config.checkpoint)])
    if config.reward.name != "grpo_gr":
        parts.append(config.reward.name)
    return "-".join([*parts, f"seed{config.seed}"])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def hold_together(folder: Path) -> None:
    """Let every rank hold the lock of a started run's folder; all ranks have to call it.

    A rank that survives the others therefore keeps the folder locked. Every rank also gets the
    command to resume the run, for its messages.
    """
    if processes.world_size() > 1:
        folder, resume_command = processes.all_gather((folder, interruption.resume_command()))[0]
        locks.share(folder)
        interruption.set_resume_command(resume_command)


def _taken(folder: Path) -> GritError:
    return GritError(
        f"{folder} holds a run already: resume=true goes on with it, "
        "another hydra.run.dir begins a new one"
    )


def _trains(config: Config) -> bool:
    return config.task == "train" and config.method.learns


def _codes(begun: Mapping[str, Any]) -> list[str]:
    """The fingerprints of the code that a run was worked on by; the first records have none."""
    return list(begun.get("codes") or [begun.get("code") or "unknown"])


def _check_same(config: Config, record: Path, inputs: Inputs) -> dict[str, Any]:
    if not config.resume:
        raise _taken(record.parent)
    begun = read_record(record)
    if begun["config_hash"] != config_hash(config):
        raise GritError(
            f"resume=true: the configuration differs from that of the run in {record.parent} "
            f"(its config.yaml{_said_differences(config, record.parent)}); give the same overrides "
            "or begin a new run"
        )
    if isinstance(then := begun.get("inputs"), Mapping):  # earlier records have none
        check_inputs(inputs, then, str(relative(record.parent)))
    return begun


def _said_differences(config: Config, folder: Path) -> str:
    """The settings that a run has otherwise, with its values; "" where its file cannot tell."""
    try:
        then = stored_config(folder / "config.yaml")
    except GritError:
        return ""
    theirs, _ = distinctions([plain(then), plain(config)], ignored=())
    return f": {', '.join(theirs)}" if theirs else ""
