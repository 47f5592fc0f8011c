"""From a name to a table or figure: the one list of what can be made of runs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from grit.figures.exhibit import Exhibit, write_exhibit
from grit.figures.table import Table
from grit.paper.evidence import Evidence
from grit.paper.figure6 import figure6
from grit.paper.methods import methods
from grit.paper.studied import studied
from grit.paper.table1 import table1
from grit.paper.table2 import table2
from grit.paper.table3 import table3
from grit.studies.faithfulness_figure import FAITHFULNESS
from grit.studies.figure4 import FIGURE4
from grit.studies.figure5 import FIGURE5

BUILDERS: dict[str, Callable[[Evidence], Exhibit]] = {  # by the names of ``checks.EXHIBITS``
    "table1": table1,
    "table2": table2,
    "table3": table3,
    "figure4": partial(studied, FIGURE4),
    "figure5": partial(studied, FIGURE5),
    "figure6": figure6,
    "faithfulness": partial(studied, FAITHFULNESS),
    "methods": methods,
}
LEAST = {"table3": 2, "figure6": 2}
"""Rows that have something to compare; of the others one says something."""


ASKED_FOR = ("methods",)
"""Exhibits that other pages do not show of themselves: their rows stand in table 1 too."""


def build(name: str, evidence: Evidence, folder: Path) -> list[Path]:
    """Make an exhibit by its name and write it into ``folder``.

    Returns:
        The files that were written.

    Raises:
        GritError: a run's files are broken.
    """
    return list(write_exhibit(BUILDERS[name](evidence), folder))


def with_data(evidence: Evidence) -> list[Exhibit]:
    """The exhibits that have enough rows with numbers, each as far as the runs go."""
    every = {name: made(evidence) for name, made in BUILDERS.items() if name not in ASKED_FOR}
    return [
        exhibit
        for name, exhibit in every.items()
        if max(map(_rows_with_numbers, exhibit.tables), default=0) >= LEAST.get(name, 1)
    ]


def _rows_with_numbers(table: Table) -> int:
    """Rows of our own that have a number, in the section that has most of them; of results."""
    if table.aside:
        return 0
    counts = [
        sum(not row.paper and any(cell.mean is not None for cell in row.cells) for row in part.rows)
        for part in table.sections
    ]
    return max(counts, default=0)
