"""Figure 5 from measured attention: ``figure5.json``, which holds its numbers, and its chart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grit.core.files import write_json
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs
from grit.pages.charts import Chart, Line, Panel, chart_svg
from grit.studies.attention import COMPARED, AttentionCurve, AttentionStudy
from grit.studies.attention_prefixes import PREFIXES
from grit.studies.figure_runs import SCHEMA_VERSION, RunName, Unfinished, grouped, read_record

RECORD = "figure5.json"
METHODS = ("grit",)
"""What the paper's figure shows."""

PREFIX_NAMES = {
    "boxes": "boxes",
    "no_boxes": "boxes removed",
    "fewer_words": "as many other tokens removed",
}
LEVELS, CHANGES = Bounds(0.0, 1.0), Bounds(-1.0, 1.0)  # attention is a share of one
UNIT = 1e3  # shown in thousandths
_SHOWN_FROM = 0.1  # of the samples have to reach a token for its mean to be drawn


@dataclass(frozen=True)
class AttendingRun:
    """What one run's model attends to."""

    run: RunName
    rows: int  # completions looked through
    study: AttentionStudy


@dataclass(frozen=True)
class Figure5:
    """All that the figure is made of."""

    set: str
    samples: int  # at most so many of each run
    tokens: int
    runs: Sequence[AttendingRun]
    unfinished: Sequence[Unfinished] = ()
    expected: Sequence[str] = ()  # methods that are marked as missing where they have no run

    @property
    def levels(self) -> list["Levels"]:
        """Its curves, in the paper's order of methods."""
        return [Levels(*group) for group in grouped(self.runs, self.unfinished, self.expected)]


class Levels(NamedTuple):
    """The runs of one model and method, that differ in their seeds; none where it is missing."""

    name: RunName
    runs: Sequence[AttendingRun]

    def level(self, prefix: str) -> Estimate:
        """Attention after a prefix, over runs."""
        return over_runs([run.study.curves[prefix].level for run in self.runs], LEVELS)

    def difference(self, name: str) -> Estimate:
        """One of COMPARED, over runs."""
        return over_runs([run.study.differences[name] for run in self.runs], CHANGES)

    def line(self, prefix: str) -> tuple[float | None, ...]:
        """The mean over all samples that reached each token, where enough did."""
        curves = [run.study.curves[prefix] for run in self.runs]
        least = _SHOWN_FROM * sum(run.study.samples for run in self.runs)
        values = []
        for at in range(len(curves[0].mean) if curves else 0):
            there = [(curve.mean[at] or 0.0, curve.n[at]) for curve in curves]
            n = sum(count for _, count in there)
            total = sum(mean * count for mean, count in there)
            values.append(UNIT * total / n if n and n >= least else None)
        return tuple(values)


def write_figure5(figure: Figure5, folder: Path) -> Path:
    """Write the figure's numbers; returns the file's path."""
    write_json(folder / RECORD, to_json(figure))
    return folder / RECORD


def read_figure5(path: Path) -> Figure5:
    """The figure of a ``figure5.json``; GritError says what is wrong with it."""
    return read_record(path, from_json)


def to_json(figure: Figure5) -> dict[str, Any]:
    """Every number behind the figure, run by run."""
    return {
        "schema_version": SCHEMA_VERSION,
        "figure": "figure5",
        "set": figure.set,
        "samples": figure.samples,
        "tokens": figure.tokens,
        "expected": list(figure.expected),
        "levels": [
            row.name.of_group()
            | {"runs": len(row.runs)}
            | {prefix: row.level(prefix)._asdict() for prefix in PREFIXES}
            | {name: row.difference(name)._asdict() for name in COMPARED}
            for row in figure.levels
        ],
        "runs": [_run_json(run) for run in figure.runs],
        "unfinished": [asdict(one) for one in figure.unfinished],
    }


def _run_json(run: AttendingRun) -> dict[str, Any]:
    study = run.study
    return asdict(run.run) | {
        "rows": run.rows,
        "samples": study.samples,
        "curves": {
            prefix: {"mean": curve.mean, "n": curve.n, "level": curve.level._asdict()}
            for prefix, curve in study.curves.items()
        },
        "differences": {name: value._asdict() for name, value in study.differences.items()},
    }


def from_json(record: Mapping[str, Any]) -> Figure5:
    """The figure that `to_json` gave."""
    return Figure5(
        set=record["set"],
        samples=record["samples"],
        tokens=record["tokens"],
        runs=[_run_of(row) for row in record["runs"]],
        unfinished=[Unfinished(**row) for row in record["unfinished"]],
        expected=record.get("expected", METHODS),
    )


def _run_of(row: dict[str, Any]) -> AttendingRun:
    curves = {
        prefix: AttentionCurve(
            tuple(row["curves"][prefix]["mean"]),
            tuple(row["curves"][prefix]["n"]),
            Estimate(**row["curves"][prefix]["level"]),
        )
        for prefix in PREFIXES
    }
    differences = {name: Estimate(**row["differences"][name]) for name in COMPARED}
    study = AttentionStudy(row["samples"], curves, differences)
    return AttendingRun(RunName.of_row(row), row["rows"], study)


def chart_of(figure: Figure5) -> Chart:
    """The curves, a panel for each model and method; ends that few samples reach are left out."""
    panels = []
    for row in figure.levels:
        lines = tuple(Line(row.line(prefix)) for prefix in PREFIXES)
        last = max(
            (i for line in lines for i, v in enumerate(line.values) if v is not None), default=0
        )
        cut = tuple(Line(line.values[: last + 1]) for line in lines)
        title = f"{row.name.title}, {row.name.method}" + ": missing" * (not row.runs)
        panels.append(Panel(title, lines=cut))
    return Chart(
        title="Attention on an image token after <rethink>",
        note="Mean over samples, layers, heads and image tokens, in thousandths",
        series=tuple(PREFIX_NAMES[prefix] for prefix in PREFIXES),
        panels=tuple(panels),
        y_label="attention, thousandths",
        x_label="generated token",
    )


def to_svg(figure: Figure5) -> str:
    """The chart as the text of an SVG file."""
    return chart_svg(chart_of(figure))
