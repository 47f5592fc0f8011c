"""``task=attention``: figure 5 from finished runs."""

from pathlib import Path

from grit.config.schema import Config
from grit.studies.attending_runs import Attending
from grit.studies.measuring import measure_runs


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    measure_runs(Attending, config, folder, overrides)
