"""``python -m grit``: compose the configuration, check it, do what ``task`` says."""

import logging
import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from grit.configuration import CONF, checked, one_line, register
from grit.errors import GritError

log = logging.getLogger("grit")


class Failed(SystemExit):
    """Ends a single run with exit code 1; Hydra, which would add a line, lets it pass."""


def run(composed: DictConfig) -> None:
    """One run: a single one, or a job of a multirun."""
    job = HydraConfig.get()
    try:
        config = checked(composed)
        from grit.tasks import perform  # imports torch, which --help and mistakes need not wait for

        perform(config, Path(job.runtime.output_dir), list(job.overrides.task))
    except GritError as error:
        if job.mode is RunMode.MULTIRUN:
            log.error("job %s failed: %s", job.job.num, error)
            raise  # the other jobs go on, and Hydra raises the first error at the end
        if os.environ[TRACEBACK] == "1":
            raise
        print(f"grit: {error}", file=sys.stderr)
        raise Failed(1) from error


TRACEBACK = "GRIT_TRACEBACK"  # 1: mistakes end in a traceback


def main() -> None:
    """Run the command line; mistakes end in one line and exit code 1."""
    register()
    os.environ.setdefault(TRACEBACK, os.environ.get("HYDRA_FULL_ERROR", "0"))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us instead of to Hydra's own printer
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run)()
    except (GritError, HydraException, OmegaConfBaseException) as error:
        if os.environ[TRACEBACK] == "1":
            raise
        message = str(error) if isinstance(error, GritError) else one_line(error)
        print(f"grit: {message}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("grit: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
