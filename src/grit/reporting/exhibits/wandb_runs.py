"""Results that runs have left in Weights & Biases: their summaries hold a results.json each."""

from grit.errors import GritError
from grit.reporting.results import SCHEMA_VERSION, Results, parse_results
from grit.reporting.wandb_server import failures

PREFIX = "wandb:"
KEY = "results"  # of the summary


def runs_of_project(source: str) -> tuple[list[tuple[str, Results]], list[str]]:
    """The results of ``wandb:ENTITY/PROJECT`` by the runs' names, and what cannot be used.

    Raises:
        GritError: W&B cannot be asked, or no run has results.
    """
    import wandb  # takes a second

    project = source.removeprefix(PREFIX)
    if project.count("/") != 1 or not all(project.split("/")):
        raise GritError(f"runs={source}: expected {PREFIX}ENTITY/PROJECT")
    with failures(f"runs={source}: W&B"):
        # Not lazy: summaries would be asked for one by one, a request for each run.
        found = list(wandb.Api().runs(project, lazy=False))
    results: list[tuple[str, Results]] = []
    notes = []
    for run in found:
        fields = run.summary_metrics.get(KEY)
        name = f"{source}/{run.id}"
        if not isinstance(fields, dict):
            notes.append(f"{name} ({run.name}, {run.state}) is left out: it has no results")
        elif fields.get("schema_version") != SCHEMA_VERSION:
            version = fields.get("schema_version")
            notes.append(f"{name} ({run.name}) is left out: its schema_version is {version}")
        else:
            results.append((name, parse_results(name, fields)))
    if not results:
        raise GritError(f"runs={source}: none of its {len(found)} runs has results in its summary")
    return results, notes
