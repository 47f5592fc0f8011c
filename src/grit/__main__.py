"""``python -m grit``: compose the configuration, check it, perform its ``task``."""

import logging
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import format_exception
from types import TracebackType

import hydra
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from grit import __version__
from grit.config.checks import FOLDERS, check_folder_option
from grit.config.command_line import help_topic, no_override, override_of, parse
from grit.config.configuration import (
    CONF,
    GROUPS,
    check_own_choices,
    checked,
    choices,
    one_line,
    part_names,
    register,
    topic_help,
    version_text,
)
from grit.config.schema import Config
from grit.config.unused import check_choices, one_of_many, unused
from grit.core import interruption, locks
from grit.core.errors import GritError, Interrupted
from grit.core.keys import refuse_keys, tidy_keys
from grit.core.run_log import note
from grit.core.secrets import redacted
from grit.core.threads import choose_wait_policy
from grit.runs.job_log import Job, JobLog, failed_jobs
from grit.runs.jobs import ASKING, done_before, done_beside, run_job
from grit.runs.run_record import relative, unfinished
from grit.tasks import perform

log = logging.getLogger(__name__)
TRACEBACK = "GRIT_TRACEBACK"  # 1: users' errors end in a traceback too
EXHIBITS = "grit.tasks.tables.WriteExhibits"  # the callback of experiments
COMMAND = "GRIT_COMMAND"  # the arguments, for messages of jobs in a launcher's worker processes


@dataclass
class Launch:
    """State of one start of the program."""

    process: int = 0  # PID of the main process
    composed: bool = False  # Hydra has called `run` with a configuration
    failed: bool = False  # a run ended in an error, which has been printed


launch = Launch()


def run(composed: DictConfig) -> None:
    """Perform one run: a single one, or a job of a multirun."""
    job = HydraConfig.get()
    folder, overrides = Path(job.runtime.output_dir), [*_config_dir(job), *job.overrides.task]
    launch.composed = True
    experiment = _makes_exhibits(job) and bool(composed.exhibits) and composed.task != "tables"
    if "torch" not in sys.modules:  # in later jobs of a multirun torch is loaded already
        threads = composed.threads
        choose_wait_policy(threads if isinstance(threads, int) else None)
    try:
        with interruption.listening():
            whole = _multirun(job, experiment)
            interruption.begin_job(whole)
            if whole and composed.task in ASKING and not (experiment or "WORLD_SIZE" in os.environ):
                # Also of a job that is stopped before it begins: those before it are done.
                interruption.set_resume_command(shlex.join(["python", "-m", "grit", *whole]))
            if experiment:
                _job(composed, folder, overrides)
            else:
                _single(composed, job, overrides)
            locks.release()
    except (Exception, interruption.Stop) as fault:
        error = interruption.ended(fault)
        locks.release()
        # A launcher's worker process has no terminal, and its main process sees raised errors only:
        # they raise where they end the multirun. A failed job of an experiment is in the job log.
        worker = launch.process != os.getpid() and not experiment
        known = _noted(error, folder)
        stopped = isinstance(error, Interrupted)
        if not known or os.environ.get(TRACEBACK) == "1" or (worker and stopped):
            if error is not fault:
                raise error from fault
            raise
        number = f"job {job.job.num}: " if job.mode is RunMode.MULTIRUN else ""
        if worker:
            return failed_jobs(Path(job.sweep.dir)).append(redacted(f"grit: {number}{error}"))
        launch.failed = True
        print(f"grit: {number}{error}", file=sys.stderr)
        if stopped:
            sys.exit(1)  # ends a multirun too


def _noted(error: Exception, folder: Path) -> bool:
    """Write the error that ended a run to its log.

    Returns:
        Whether it is an error that the user can fix.
    """
    known = isinstance(error, GritError) or _concerns(folder, error)
    with suppress(OSError):  # rmdir fails unless the folder is empty
        folder.rmdir()
    note(f"grit: {error}" if known else type(error).__name__, None if known else error)
    return known


def _makes_exhibits(job: HydraConf) -> bool:
    """Whether what a multirun makes at its end is set up, as the experiments' files do it."""
    return any(each and each.get("_target_") == EXHIBITS for each in job.callbacks.values())


def _single(composed: DictConfig, job: HydraConf, overrides: list[str]) -> None:
    many = job.mode is RunMode.MULTIRUN
    check_folder_option(job.overrides.hydra, multirun=many)
    if composed.exhibits and composed.task != "tables":
        raise GritError("config: exhibits= is for task=tables or experiment=NAME")
    config = checked(composed)
    check_choices(overrides, config.model.path)
    found = unused(config, overrides)
    if not one_of_many(many):
        for refused in filter(lambda each: each.refused, found):
            raise GritError(f"config: {refused}; leave it out")
    same = done_beside(config, Path(job.runtime.output_dir)) if many else None
    if same is not None:
        log.info("%s", _not_again(config, same))
        return
    if many and config.resume and (done := done_before(config, Path(job.runtime.output_dir))):
        log.info("resume=true: %s", done)
        return
    folder = _folder(config, job)
    for each in found:
        log.info("%s", each)
    perform(config, folder, overrides)


def _job(composed: DictConfig, folder: Path, overrides: list[str]) -> None:
    """Perform one job of an experiment, whose runs become a table or figure."""

    def perform_job(config: Config) -> None:
        check_choices(overrides, config.model.path)
        for each in unused(config, overrides):  # may be meant for other jobs
            log.info("%s", each)
        perform(config, folder, overrides)

    seed = composed.seed if isinstance(composed.seed, int) else 0  # else `checked` refuses it
    job = partial(Job, folder=folder.name, seed=seed, **part_names(composed))
    jobs = JobLog.beside(composed.exhibits, folder.parent)
    run_job(lambda: checked(composed), perform_job, folder, job, jobs)


def _not_again(config: Config, done: Path) -> str:
    return (
        f"seed={config.seed}: method={config.method.name} does not train, so that every seed and "
        f"draw of triplets gives the same: this job is not run, {os.path.relpath(done)} has it"
    )


def _multirun(job: HydraConf, experiment: bool) -> list[str] | None:
    """The arguments that go on with the multirun that a run is a job of; None outside one.

    An experiment knows by itself which of its runs are done; another multirun has to be told its
    folder.
    """
    if job.mode is not RunMode.MULTIRUN or COMMAND not in os.environ:
        return None
    words = shlex.split(os.environ[COMMAND])
    if experiment:
        return words
    kept = [word for word in words if not word.startswith(("resume=", "hydra.sweep.dir="))]
    folder = override_of("hydra.sweep.dir", str(relative(Path(job.sweep.dir).absolute())))
    return [*kept, folder, "resume=true"]


def _config_dir(job: HydraConf) -> list[str]:
    """The words of ``--config-dir``, if it was given: a command that resumes a run needs them."""
    sources = [each for each in job.runtime.config_sources if each.provider == "command-line"]
    return [word for each in sources for word in ("--config-dir", each.path)]


def _concerns(folder: Path, error: Exception) -> bool:
    """Whether the error is about reading or writing a file in the run's folder."""
    name = error.filename if isinstance(error, OSError) else None
    return isinstance(name, str) and Path(name).is_relative_to(folder)


def _folder(config: Config, job: HydraConf) -> Path:
    """The run's folder: the one that Hydra made or, with ``resume``, an unfinished run's.

    Raises:
        GritError: ``resume`` needs the name of a folder here, or there is no unfinished run.
    """
    made = Path(job.runtime.output_dir)
    if not config.resume or any(o.startswith(FOLDERS) for o in job.overrides.hydra):
        return made
    if config.task != "train":
        raise GritError(f"resume=true: task={config.task} needs hydra.run.dir=FOLDER to go on with")
    if job.mode is RunMode.MULTIRUN:
        raise GritError("resume=true: several runs need hydra.sweep.dir=FOLDER to go on with")
    with suppress(OSError):  # the folders of the new run; rmdir fails unless they are empty
        made.rmdir()
        made.parent.rmdir()
    found = unfinished(config, made.parent.parent)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):  # opens its file at its first line
            handler.baseFilename = str(found / Path(handler.baseFilename).name)
    return found


def main() -> None:
    """Run the command line; users' errors end in one line and exit code 1."""
    register()
    launch.process, launch.composed, launch.failed = os.getpid(), False, False
    os.environ.setdefault(TRACEBACK, os.environ.get("HYDRA_FULL_ERROR", "0"))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises errors instead of printing them
    sys.excepthook = _say_fault
    try:
        _start()
        if not launch.composed:
            sys.stdout.flush()
    except GritError as error:
        _refuse(error, str(error))
    except (HydraException, OmegaConfBaseException) as error:
        # Hydra's parser does not say in which override it found a syntax error.
        unread = isinstance(error, OverrideParseException)
        _refuse(error, one_line(error) + (f" ({shlex.join(sys.argv[1:])})" if unread else ""))
    except (YAMLError, OSError, ValueError) as error:
        if launch.composed:
            raise  # a bug, not an error in the command line
        if isinstance(error, BrokenPipeError):  # `--help | head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # flushed at the exit
            sys.exit(0)
        _refuse(error, f"{one_line(error)} ({shlex.join(sys.argv[1:])})")
    except interruption.Stop as stop:
        print(f"grit: {interruption.ended(stop)}", file=sys.stderr)
        sys.exit(1)
    sys.exit(1 if launch.failed else 0)


def _start() -> None:
    here = os.getcwd()
    if not sys.flags.safe_path and here not in sys.path:
        sys.path.insert(0, here)  # as `-m` does it: the script `grit` has its own folder there
    tidy_keys()
    line = parse(sys.argv[1:])
    if "--version" in line.options:
        print(version_text(__version__))
        return
    if "--help" in line.options and line.words:
        print(topic_help(help_topic(line.words, GROUPS)))
        return
    if line.words:
        raise GritError(no_override(line.words[0], choices()))
    check_own_choices(line.options)
    # Before Hydra stores the command line in the run's folder.
    for values in line.values:
        refuse_keys(values)
    sys.argv[1:] = line.ordered
    os.environ[COMMAND] = shlex.join(line.ordered)
    with interruption.listening():
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run)()


def _refuse(error: Exception, message: str) -> None:
    if os.environ[TRACEBACK] == "1":
        raise error
    print(f"grit: {redacted(message)}", file=sys.stderr)
    sys.exit(1)


def _say_fault(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """``sys.excepthook``: print a bug's traceback with the API keys in it hidden."""
    print(redacted("".join(format_exception(kind, error, trace))), end="", file=sys.stderr)


if __name__ == "__main__":
    main()
