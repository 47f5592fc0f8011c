"""A multirun ends in one table of its runs."""

import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from grit.core.errors import GritError


class PrintRuns(Callback):
    """A Hydra callback; an experiment with exhibits has tables of its own."""

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print the table of the finished runs below the sweep's folder, if there are several."""
        if config.exhibits:
            return
        from grit.pages.finished_runs import print_runs  # not before it is needed
        from grit.runs.finished import find_runs
        from grit.runs.run_record import RESULTS

        folder = Path(config.hydra.sweep.dir)
        if not any(folder.rglob(RESULTS)):  # each job has said why, or measures nothing
            return
        try:
            runs = find_runs([folder])
            if len(runs) > 1:
                print_runs(runs)
        except GritError as error:  # a run's files are damaged
            print(f"grit: {error}", file=sys.stderr)
