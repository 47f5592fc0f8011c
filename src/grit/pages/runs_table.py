"""Every run's own numbers in Markdown; runs are not averaged or ranked here."""

from collections.abc import Sequence

from grit.evaluation.bootstrap import Estimate
from grit.runs.finished import FinishedRun
from grit.runs.metrics import Metric, shown_metrics


def runs_markdown(runs: Sequence[FinishedRun], names: Sequence[str]) -> dict[str, str]:
    """A table for each metric, ``mean [low, high]``: heading -> Markdown."""
    sets = list(dict.fromkeys(name for run in runs for name in run.results.sets))
    tables = {}
    for metric in shown_metrics([run.results for run in runs]):
        rows = [[_cell(run, name, metric) for name in sets] for run in runs]
        there = [any(row[at] for row in rows) for at in range(len(sets))]
        if not any(there):
            continue
        kept = [at for at in range(len(sets)) if there[at]]
        lines = [["Run", *(sets[at] for at in kept)], ["---", *("---:" for _ in kept)]]
        lines += [
            [name, *(row[at] or "–" for at in kept)] for name, row in zip(names, rows, strict=True)
        ]
        tables[f"{metric.title} of every run"] = "\n".join(map(_line, lines)) + "\n"
    return tables


def _cell(run: FinishedRun, name: str, metric: Metric) -> str:
    if name not in run.results.sets:
        return ""
    return _written(run.results.sets[name].metrics[metric.key], metric.digits)


def _written(found: Estimate, digits: int) -> str:
    if found.mean is None:
        return ""
    mean = f"{found.mean:.{digits}f}"
    if found.low is None or found.high is None:
        return mean
    return f"{mean} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
