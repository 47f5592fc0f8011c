"""``python -m grit``: compose the configuration, check it, do what ``task`` says."""

import logging
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from grit.configuration import CONF, checked, one_line, register
from grit.errors import GritError, Interrupted
from grit.schema import Config, Task
from grit.tasks.jobs import done_beside, in_experiment, run_job
from grit.threads import choose_wait_policy

log = logging.getLogger(__name__)
TRACEBACK = "GRIT_TRACEBACK"  # 1: mistakes end in a traceback


@dataclass
class Launch:
    """What one start of the program has come to."""

    process: int = 0
    composed: bool = False  # Hydra has handed a configuration over
    failed: bool = False  # a run ended in a mistake, which has been said


launch = Launch()


def run(composed: DictConfig) -> None:
    """One run: a single one, or a job of a multirun."""
    job = HydraConfig.get()
    folder, overrides = Path(job.runtime.output_dir), list(job.overrides.task)
    launch.composed = True
    experiment = in_experiment(composed)
    if "torch" not in sys.modules:  # else it is too late, as in the second job of a multirun
        threads = composed.threads
        choose_wait_policy(threads if isinstance(threads, int) else None)
    try:
        if experiment:
            run_job(composed, folder, overrides)
        else:
            config = checked(composed)
            same = done_beside(config, folder) if job.mode is RunMode.MULTIRUN else None
            if same is not None:
                log.info("%s", _not_again(config, same))
                return
            from grit.tasks import perform  # imports torch: --help and mistakes need not wait

            perform(config, _folder(config, job), overrides)
    except (GritError, OSError) as error:
        if not (isinstance(error, GritError) or _concerns(folder, error)):
            raise
        # A launcher's own processes tell Hydra by raising; here it would say the same twice. An
        # experiment's are looked after by their log, because Hydra would not go on to its table.
        worker = launch.process != os.getpid() and not experiment
        if os.environ.get(TRACEBACK) == "1" or worker:
            raise
        launch.failed = True
        with suppress(OSError):  # rmdir refuses where anything is in it
            folder.rmdir()
        number = f"job {job.job.num}: " if job.mode is RunMode.MULTIRUN else ""
        print(f"grit: {number}{error}", file=sys.stderr)
        if isinstance(error, Interrupted):
            sys.exit(1)  # ends a multirun too


def _not_again(config: Config, done: Path) -> str:
    return (
        f"seed={config.seed}: method={config.method.name} does not train, so that every seed gives "
        f"the same: this job is not run, {os.path.relpath(done)} has it"
    )


def _concerns(folder: Path, error: OSError) -> bool:
    """Whether a file of the run could not be written or read."""
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)


def _folder(config: Config, job: HydraConf) -> Path:
    """The run's folder: the one that Hydra has made, or with ``resume`` the one to go on with."""
    made = Path(job.runtime.output_dir)
    given = ("hydra.run.dir=", "hydra.sweep.dir=")
    if not config.resume or any(o.startswith(given) for o in job.overrides.hydra):
        return made
    if config.task is not Task.train:
        raise GritError(f"resume=true: task={config.task} needs hydra.run.dir=FOLDER to go on with")
    if job.mode is RunMode.MULTIRUN:
        raise GritError("resume=true: several runs need hydra.sweep.dir=FOLDER to go on with")
    from grit.tasks.folder import unfinished

    with suppress(OSError):  # what Hydra made for a new run; rmdir refuses where anything is in it
        made.rmdir()
        made.parent.rmdir()
    found = unfinished(config, made.parent.parent)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):  # opens its file with the first line
            handler.baseFilename = str(found / Path(handler.baseFilename).name)
    return found


def main() -> None:
    """Run the command line; mistakes end in one line and exit code 1."""
    register()
    launch.process, launch.composed, launch.failed = os.getpid(), False, False
    os.environ.setdefault(TRACEBACK, os.environ.get("HYDRA_FULL_ERROR", "0"))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us instead of to Hydra's own printer
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run)()
    except (GritError, HydraException, OmegaConfBaseException) as error:
        _refuse(error, str(error) if isinstance(error, GritError) else one_line(error))
    except (YAMLError, OSError, ValueError) as error:
        if launch.composed:
            raise  # a fault of the program, not of the command line
        _refuse(error, f"{one_line(error)} ({shlex.join(sys.argv[1:])})")
    except KeyboardInterrupt:
        print("grit: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(1 if launch.failed else 0)


def _refuse(error: Exception, message: str) -> None:
    if os.environ[TRACEBACK] == "1":
        raise error
    print(f"grit: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
