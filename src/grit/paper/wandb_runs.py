"""Results that runs have left in Weights & Biases: their summaries hold a results.json each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grit.core.errors import GritError
from grit.evaluation.controls import Controls
from grit.runs.results import SCHEMA_VERSION, Results, parse_results
from grit.tracking.wandb_server import failures

PREFIX = "wandb:"
KEY = "results"  # of the summary
CONFIG = "grit"  # of the configuration


@dataclass(frozen=True)
class LoggedRun:
    """What W&B keeps of a run: no predictions."""

    name: str
    results: Results
    config: Mapping[str, Any]
    controls: Mapping[str, Controls] = field(default_factory=dict)

    def scores(self, name: str, metric: str) -> None:
        """The score of each question: not known."""

    def pictures(self, name: str) -> Mapping[str, str]:
        """The picture of each question: not known."""
        return {}


def runs_of_project(source: str) -> tuple[list[LoggedRun], list[str]]:
    """The runs of ``wandb:ENTITY/PROJECT`` that have results, and what cannot be used.

    Raises:
        GritError: W&B cannot be asked, or no run has results.
    """
    import wandb  # takes a second

    project = source.removeprefix(PREFIX)
    if project.count("/") != 1 or not all(project.split("/")):
        raise GritError(f"runs={source}: expected {PREFIX}ENTITY/PROJECT")
    with failures(f"runs={source}: W&B"):
        # Not lazy: summaries would be asked for one by one, a request for each run.
        # Newest first: of runs with one configuration and seed the first counts, and a run that
        # was resumed after its judge had failed has its complete results in a W&B run of its own.
        runs = list(wandb.Api().runs(project, order="-created_at", lazy=False))
    logged: list[LoggedRun] = []
    notes = []
    for run in runs:
        fields = run.summary_metrics.get(KEY)
        name = f"{source}/{run.id}"
        if not isinstance(fields, dict):
            notes.append(f"{name} ({run.name}, {run.state}) is left out: it has no results")
        elif fields.get("schema_version") != SCHEMA_VERSION:
            version = fields.get("schema_version")
            notes.append(f"{name} ({run.name}) is left out: its schema_version is {version}")
        else:
            config = run.config.get(CONFIG)
            known = config if isinstance(config, dict) else {}
            logged.append(LoggedRun(name, parse_results(name, fields), known))
    if not logged:
        raise GritError(f"runs={source}: none of its {len(runs)} runs has results in its summary")
    return logged, notes
