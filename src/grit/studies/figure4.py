"""Figure 4 from measured chains: ``figure4.json``, which holds its numbers, and its chart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grit.core.files import write_json
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs
from grit.pages.charts import BarGroup, Chart, Panel, chart_svg
from grit.studies.correlation import CONTROLS, Correlation
from grit.studies.figure_runs import SCHEMA_VERSION, RunName, Unfinished, grouped, read_record

RECORD = "figure4.json"
METHODS = ("grit", "icl", "sft")
"""Those that the paper's figure compares."""

WRITTEN = "written"
"""The method's name of chains that no model wrote but the drawn scenes' own annotations."""

SHARE = Bounds(0.0, 1.0)
CONTROL_NAMES = {"random": "against random boxes", "same_sizes": "against boxes of the same sizes"}


@dataclass(frozen=True)
class CorrelatedRun:
    """What one run's chains came to."""

    run: RunName
    rows: int  # completions that could have had a chain with boxes
    grounded: int  # of them, those that had
    judged: int  # of those, the ones drawn by lot
    correlations: Mapping[str, Correlation]  # by the names of CONTROLS


@dataclass(frozen=True)
class Figure4:
    """All that the figure is made of."""

    judge: str
    repeats: int
    chains: int  # at most so many of each set
    seed: int
    runs: Sequence[CorrelatedRun]
    unfinished: Sequence[Unfinished] = ()
    expected: Sequence[str] = ()  # methods that are marked as missing where they have no run

    @property
    def sets(self) -> list[str]:
        """The test sets that chains came from."""
        found = (name for run in self.runs for name in run.correlations["random"].sets)
        return list(dict.fromkeys(found))

    @property
    def bars(self) -> list["Bars"]:
        """Its groups of bars, in the paper's order."""
        return [Bars(*group) for group in grouped(self.runs, self.unfinished, self.expected)]


class Bars(NamedTuple):
    """The runs of one model and method, that differ in their seeds; none where it is missing."""

    name: RunName
    runs: Sequence[CorrelatedRun]

    def estimate(self, control: str) -> Estimate:
        """The correlation against a control, over runs."""
        return over_runs([run.correlations[control].interval for run in self.runs], SHARE)

    def of_set(self, control: str, name: str) -> Estimate:
        """The same within a set."""
        sets = [run.correlations[control].sets for run in self.runs]
        return over_runs([found[name] for found in sets if name in found], SHARE)


def write_figure4(figure: Figure4, folder: Path) -> Path:
    """Write the figure's numbers; returns the file's path."""
    write_json(folder / RECORD, to_json(figure))
    return folder / RECORD


def read_figure4(path: Path) -> Figure4:
    """The figure of a ``figure4.json``; GritError says what is wrong with it."""
    return read_record(path, from_json)


def to_json(figure: Figure4) -> dict[str, Any]:
    """Every number behind the figure, run by run, and the bars."""
    return {
        "schema_version": SCHEMA_VERSION,
        "figure": "figure4",
        "judge": figure.judge,
        "repeats": figure.repeats,
        "chains_per_set": figure.chains,
        "seed": figure.seed,
        "expected": list(figure.expected),
        "bars": [
            row.name.of_group()
            | {"runs": len(row.runs)}
            | {control: row.estimate(control)._asdict() for control in CONTROLS}
            for row in figure.bars
        ],
        "runs": [_run_json(run) for run in figure.runs],
        "unfinished": [asdict(one) for one in figure.unfinished],
    }


def _run_json(run: CorrelatedRun) -> dict[str, Any]:
    counts = {"rows": run.rows, "grounded": run.grounded, "judged": run.judged}
    return (
        asdict(run.run)
        | counts
        | {
            name: asdict(found)
            | {
                "interval": found.interval._asdict(),
                "sets": {of: value._asdict() for of, value in found.sets.items()},
            }
            for name, found in run.correlations.items()
        }
    )


def from_json(record: Mapping[str, Any]) -> Figure4:
    """The figure that `to_json` gave."""
    return Figure4(
        judge=record["judge"],
        repeats=record["repeats"],
        chains=record["chains_per_set"],
        seed=record["seed"],
        runs=[_run_of(row) for row in record["runs"]],
        unfinished=[Unfinished(**row) for row in record["unfinished"]],
        expected=record.get("expected", METHODS),
    )


def _run_of(row: dict[str, Any]) -> CorrelatedRun:
    correlations = {control: _correlation_of(row[control]) for control in CONTROLS}
    rows, grounded, judged = (row[name] for name in ("rows", "grounded", "judged"))
    return CorrelatedRun(RunName.of_row(row), rows, grounded, judged, correlations)


def _correlation_of(found: Mapping[str, Any]) -> Correlation:
    return Correlation(
        repeats=tuple(found["repeats"]),
        mean=found["mean"],
        std=found["std"],
        interval=Estimate(**found["interval"]),
        sets={name: Estimate(**value) for name, value in found["sets"].items()},
        undecided=found["undecided"],
        failures=found["failures"],
    )


def chart_of(figure: Figure4) -> Chart:
    """Bars for each method with their intervals, a panel for each model."""
    panels: dict[str, list[BarGroup]] = {}
    for row in figure.bars:
        bars = tuple(row.estimate(control) for control in CONTROLS)
        label = row.name.method if row.runs else f"{row.name.method}: missing"
        panels.setdefault(row.name.title, []).append(BarGroup(label, bars))
    return Chart(
        title="Cross-modal correlation of chains and boxes",
        note=f"Judged by {figure.judge}, {figure.repeats} repeats; 95% intervals",
        series=tuple(CONTROL_NAMES[control] for control in CONTROLS),
        panels=tuple(Panel(title, tuple(groups)) for title, groups in panels.items()),
        y_label="own boxes picked",
        reference=(0.5, "chance"),
        top=1.0,
    )


def to_svg(figure: Figure4) -> str:
    """The chart as the text of an SVG file."""
    return chart_svg(chart_of(figure))
