"""What W&B's API gives: objects of its own classes, filled as from a server's answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wandb.apis.public import Run as ApiRun

from grit.errors import GritError
from grit.reporting.exhibits.evidence import evidence_of_sources
from grit.reporting.exhibits.table1 import table1


def logged(name: str, summary: dict[str, Any], state: str = "finished") -> ApiRun:
    """A run of the API as the server describes it: the summary is JSON in a string."""
    attributes = {"name": name, "displayName": name, "state": state, "user": {}, "config": "{}"}
    return ApiRun(
        None,
        "entity",
        "grit",
        name,
        attributes | {"summaryMetrics": json.dumps(summary), "systemMetrics": "{}"},
        lazy=False,
    )


class Api:
    """``wandb.Api`` as far as listing runs goes."""

    def __init__(self, runs: list[ApiRun]) -> None:
        self.found = runs

    def runs(self, path: str) -> list[ApiRun]:
        if path != "entity/grit":
            raise ValueError(f"Could not find project {path}")
        return self.found


@pytest.fixture
def summaries(run: Callable[..., Path]) -> list[dict[str, Any]]:
    folders = [run("a", seed=0), run("b", seed=1)]
    return [json.loads((folder / "results.json").read_text()) for folder in folders]


def test_runs_of_a_project(summaries: list[dict[str, Any]]) -> None:
    api = Api(
        [
            *(logged(f"r{i}", {"results": s, "_step": 3}) for i, s in enumerate(summaries)),
            logged("crashed", {"_step": 1}, "crashed"),
            logged("old", {"results": summaries[0] | {"schema_version": 0}}),
        ]
    )
    found = evidence_of_sources(["wandb:entity/grit"], api)
    assert [each.name for each in found.runs] == ["wandb:entity/grit/r0", "wandb:entity/grit/r1"]
    (table,) = table1(found).tables
    assert "GRIT, 2 seeds" in [row.label for row in table.sections[0].rows]
    notes = " ".join(table.notes)
    assert "crashed) is left out: it has no results" in notes
    assert "its schema_version is 0" in notes


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("wandb:grit", "expected wandb:ENTITY/PROJECT"),
        ("wandb:entity/", "expected wandb:ENTITY/PROJECT"),
        ("wandb:entity/other", "Could not find project entity/other"),
        ("wandb:entity/grit", "none of its 1 runs has results"),
    ],
)
def test_a_project_without_results_is_refused(source: str, said: str) -> None:
    with pytest.raises(GritError, match=said):
        evidence_of_sources([source], Api([logged("r", {})]))
