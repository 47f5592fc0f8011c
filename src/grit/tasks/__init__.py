"""What each ``task=`` does; thin."""

from importlib import import_module
from pathlib import Path

from grit.schema import Config


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Do the task of ``config``; its files go to ``folder``.

    Args:
        config: the checked configuration.
        folder: the run's folder.
        overrides: what the command line changed, for messages that say how to go on.
    """
    import_module(f"grit.tasks.{config.task.value}").perform(config, folder, overrides)
