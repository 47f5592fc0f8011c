"""A multirun ends in one table of its runs, and in the errors of jobs that a launcher ran."""

import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from grit.core.errors import GritError
from grit.runs.job_log import failed_jobs


class PrintRuns(Callback):
    """A Hydra callback; an experiment with exhibits has tables of its own."""

    def __init__(self) -> None:
        self.start = 0

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Note which errors are those of former starts."""
        self.start = failed_jobs(Path(config.hydra.sweep.dir)).size()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print the table of the finished runs below the sweep's folder, if there are several.

        Exit with code 1 if a job failed in a worker process: those of this process have said so.
        """
        if config.exhibits:
            return
        folder = Path(config.hydra.sweep.dir)
        _print_table(folder)
        failed = failed_jobs(folder).since(self.start)
        for line in failed:
            print(line.decode(), end="", file=sys.stderr)
        if failed:
            sys.exit(1)


def _print_table(folder: Path) -> None:
    from grit.pages.finished_runs import print_runs  # not before it is needed
    from grit.runs.finished import find_runs
    from grit.runs.run_record import RESULTS

    if not any(folder.rglob(RESULTS)):  # each job has said why, or measures nothing
        return
    try:
        runs = find_runs([folder])
        if len(runs) > 1:
            print_runs(runs)
    except GritError as error:  # a run's files are damaged
        print(f"grit: {error}", file=sys.stderr)
