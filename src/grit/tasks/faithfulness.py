"""``task=faithfulness``: whether finished runs' answers rest on what their chains point at."""

from pathlib import Path

from grit.config.schema import Config
from grit.studies.faithful_runs import AskingAgain
from grit.studies.measuring import measure_runs


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Measure the runs that ``runs`` names; the figure's files go to ``folder``."""
    measure_runs(AskingAgain, config, folder, overrides)
