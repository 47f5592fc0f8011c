"""``task=correlation``: figure 4 from finished runs."""

from pathlib import Path

from grit.config.schema import Config
from grit.studies.correlated_runs import Correlating
from grit.studies.measuring import measure_runs


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    measure_runs(Correlating, config, folder, overrides)
