"""What the columns of a table measure: each a metric over one set, or over several together."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grit.paper.evidence import Run
from grit.paper.rows import DIGITS, HEADINGS, difference_cell, sets_cell
from grit.paper.table import MISSING, Cell, Column
from grit.runs.printed import SETS, TABLE1_COLUMNS, TestSet

Sets = tuple[TestSet, ...]


class Measures(NamedTuple):
    """Columns and what each of them holds."""

    columns: tuple[Column, ...]
    numbers: tuple[tuple[Sets, str], ...]  # sets and a metric of them

    def of(self, runs: Sequence[Run]) -> tuple[Cell, ...]:
        """The cells of repetitions."""
        return tuple(sets_cell(runs, sets, metric) for sets, metric in self.numbers)

    def differences(self, baseline: Sequence[Run], ours: Sequence[Run]) -> tuple[Cell, ...]:
        """The cells of ours minus the baseline, question by question."""
        return tuple(difference_cell(baseline, ours, sets, metric) for sets, metric in self.numbers)

    def missing(self) -> tuple[Cell, ...]:
        """The cells of what did not run."""
        return tuple(Cell(MISSING) for _ in self.columns)


def measures(numbers: Sequence[tuple[Sets, str]], titles: Mapping[Sets, str]) -> Measures:
    """Columns under the titles of their sets."""
    columns = (Column(titles[sets], HEADINGS[metric], DIGITS[metric]) for sets, metric in numbers)
    return Measures(tuple(columns), tuple(numbers))


EACH = measures(
    [((test_set,), metric) for test_set, metric in TABLE1_COLUMNS],
    {(test_set,): test_set.title for test_set in SETS},
)
"""Table 1's, set by set."""
