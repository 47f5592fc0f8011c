"""From a name to a table or figure: the one list of what can be made of runs."""

from collections.abc import Callable
from pathlib import Path

from grit.errors import GritError
from grit.reporting.exhibits.evidence import Evidence
from grit.reporting.exhibits.exhibit import Exhibit, write_exhibit
from grit.reporting.exhibits.figure4 import figure4
from grit.reporting.exhibits.figure5 import figure5
from grit.reporting.exhibits.figure6 import figure6
from grit.reporting.exhibits.table1 import table1
from grit.reporting.exhibits.table2 import table2
from grit.reporting.exhibits.table3 import table3

BUILDERS: dict[str, Callable[[Evidence], Exhibit]] = {
    "table1": table1,
    "table2": table2,
    "table3": table3,
    "figure4": figure4,
    "figure5": figure5,
    "figure6": figure6,
}


def build(name: str, evidence: Evidence, folder: Path) -> list[Path]:
    """Make an exhibit and write it into ``folder``.

    Returns:
        The files that were written.

    Raises:
        GritError: there is no exhibit of this name, or a run's files are broken.
    """
    if name not in BUILDERS:
        raise GritError(f"exhibits: {name} is not one; there are {', '.join(BUILDERS)}")
    return list(write_exhibit(BUILDERS[name](evidence), folder))
