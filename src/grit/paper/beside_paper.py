"""What an evaluated model found, beside the same row of the paper's table 1."""

from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grit.evaluation.bootstrap import Estimate
from grit.runs.evaluated import method_label
from grit.runs.printed import METHODS, MINIATURES, MODELS, TABLE1, TABLE1_COLUMNS
from grit.runs.results import Results

_DIGITS = {"acc": 1, "giou": 3}
_TITLES = {"acc": "ACC", "giou": "GIoU"}
_NONE = "-"


class Line(NamedTuple):
    """A number of ours and the paper's, as text."""

    title: str
    ours: str
    paper: str


def lines_beside_paper(results: Results) -> list[Line]:
    """A line for each number of the paper's row; none where the paper has no such row."""
    model = None if results.model in MINIATURES else MODELS.get(results.model)
    printed = TABLE1.get((model or "", results.method), ())
    return [
        Line(
            f"{test_set.title} {_TITLES[metric]}", *_numbers(results, test_set.names, metric, value)
        )
        for (test_set, metric), value in zip(TABLE1_COLUMNS, printed, strict=False)
    ]


def print_beside_paper(results: Results, console: Console | None = None) -> None:
    """Print the lines, for a terminal of 80 columns; nothing where there are none."""
    lines = lines_beside_paper(results)
    if not lines:
        return
    console = console or Console()
    title = METHODS.get(results.method, results.method)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in ("", method_label(title, results.checkpoint), f"paper's {title}"):
        table.add_column(Text(heading), justify="right" if heading else "left")
    for line in lines:
        table.add_row(*map(Text, line))  # whose brackets rich would read as markup
    console.print(table)
    asked = f"suite={results.suite}, judge={results.judge}"
    console.print(
        f"Ours: {asked}, with 95% intervals. The paper's: its own sets, judged by GPT-4o.",
        highlight=False,
    )


def _numbers(
    results: Results, names: tuple[str, ...], metric: str, printed: float
) -> tuple[str, str]:
    digits = _DIGITS[metric]
    name = next((name for name in names if name in results.sets), None)
    found = None if name is None else results.sets[name].metrics[metric]
    return _with_interval(found, digits), f"{printed:.{digits}f}"


def _with_interval(found: Estimate | None, digits: int) -> str:
    if found is None or found.mean is None:
        return _NONE
    if found.low is None or found.high is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"
