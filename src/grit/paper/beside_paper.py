"""What an evaluated model found, beside the same row of the paper's table 1."""

from rich.console import Console

from grit.figures.table import NOTHING, Cell, Column, Row, Section, Table, bracketed, single
from grit.figures.terminal_format import print_table
from grit.paper.measures import DIGITS, HEADINGS
from grit.runs.evaluated import method_label
from grit.runs.printed import METHODS, MINIATURES, MODELS, TABLE1, TABLE1_COLUMNS, TestSet
from grit.runs.results import Results


def beside_paper(results: Results) -> Table | None:
    """A row for each number of the paper's row; None where the paper has no such row."""
    model = None if results.model in MINIATURES else MODELS.get(results.model)
    numbers = TABLE1.get((model or "", results.method))
    if numbers is None:
        return None
    title = METHODS.get(results.method, results.method)
    rows = tuple(
        Row(
            f"{test_set.title} {HEADINGS[metric]}",
            (_ours(results, test_set, metric), single(value, DIGITS[metric], runs=0)),
        )
        for (test_set, metric), value in zip(TABLE1_COLUMNS, numbers, strict=True)
    )
    columns = Column("", method_label(title, results.checkpoint)), Column("", f"paper's {title}")
    note = (
        f"Ours: suite={results.suite}, judge={results.judge}, with 95% intervals. "
        "The paper's: its own sets, judged by GPT-4o."
    )
    return Table("", columns, (Section("", rows),), (note,))


def print_beside_paper(results: Results, console: Console | None = None) -> None:
    """Print the rows for a terminal; nothing where there are none."""
    table = beside_paper(results)
    if table is not None:
        print_table(table, console)


def _ours(results: Results, test_set: TestSet, metric: str) -> Cell:
    name = next((name for name in test_set.names if name in results.sets), None)
    if name is None:
        return Cell(NOTHING)
    return bracketed(results.sets[name].metrics[metric], DIGITS[metric])
