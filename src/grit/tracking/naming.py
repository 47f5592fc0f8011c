"""What runs are gathered and found by in dashboards."""

from collections.abc import Sequence

from grit.config.schema import Config


def group(config: Config, overrides: Sequence[str]) -> str | None:
    """``logger.group``, else the run's experiment; None without one."""
    return config.logger.group or experiment(overrides)


def experiment(overrides: Sequence[str]) -> str | None:
    """The value of ``experiment=`` in the overrides; None without one."""
    named = [
        override.partition("=")[2]
        for override in overrides
        if override.lstrip("+").startswith("experiment=")
    ]
    return named[-1] if named and named[-1] != "null" else None


def tags(config: Config) -> list[str]:
    """The tags of a run: its config choices, and ``logger.tags``."""
    parts = (config.model, config.data, config.method, config.reward, config.judge)
    return [*(part.name for part in parts), *config.logger.tags]
