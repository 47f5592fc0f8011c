"""Figure 4 from measured chains: ``figure4.json``, ``.md`` and ``.svg``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.correlation import CONTROLS, Correlation
from grit.files import write_json, written_whole
from grit.reporting.charts import BarGroup, Chart, Panel, chart_svg
from grit.reporting.figure_runs import RunName, Unfinished, grouped, listed, table
from grit.reporting.over_runs import over_runs

WRITTEN = "written"
"""The method's name of chains that no model wrote but the drawn scenes' own annotations."""

_CONTROL_NAMES = {"random": "against random boxes", "same_sizes": "against boxes of the same sizes"}


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


class _Row(NamedTuple):
    """The runs of one model and method, that differ in their seeds."""

    name: RunName
    runs: Sequence[CorrelatedRun]

    def estimate(self, control: str) -> Estimate:
        return over_runs([run.correlations[control].interval for run in self.runs])

    def of_set(self, control: str, name: str) -> Estimate:
        sets = [run.correlations[control].sets for run in self.runs]
        return over_runs([found[name] for found in sets if name in found])


def write_figure4(figure: Figure4, folder: Path) -> list[Path]:
    """Write the three files, each whole or not at all; returns their paths."""
    texts = {"figure4.md": to_markdown(figure), "figure4.svg": to_svg(figure)}
    for name, text in texts.items():
        with written_whole(folder / name) as stream:
            stream.write(text)
    write_json(folder / "figure4.json", to_json(figure))
    return [folder / name for name in (*texts, "figure4.json")]


def to_json(figure: Figure4) -> dict[str, Any]:
    """Every number behind the figure, run by run, and the bars."""
    return {
        "schema_version": 1,
        "figure": "figure4",
        "judge": figure.judge,
        "repeats": figure.repeats,
        "chains_per_set": figure.chains,
        "seed": figure.seed,
        "bars": [
            row.name.of_group()
            | {"runs": len(row.runs)}
            | {control: row.estimate(control)._asdict() for control in CONTROLS}
            for row in _rows(figure)
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


def to_markdown(figure: Figure4) -> str:
    """A table over all sets, one a set, and how it was measured."""
    rows = _rows(figure)
    headings = ["Model", "Method", "Runs", "Chains with boxes", *_CONTROL_NAMES.values()]
    headings += ["SD over repeats", "Undecided"]
    sets = list(dict.fromkeys(n for run in figure.runs for n in run.correlations["random"].sets))
    parts = [
        "# Figure 4: Vision-Language Reasoning Cross-Modal Correlation",
        f"Share of chains whose own boxes the judge picks over random ones; 0.5 is chance. "
        f"Judge: **{figure.judge}**. {figure.repeats} repeats, at most {figure.chains} chains a "
        "set, drawn by lot. Intervals are 95%: over chains (bootstrap), and over runs where there "
        "are several (t).",
        table(headings, [_overall(row) for row in rows]),
        "Each set, against random boxes:",
        table(
            ["Model", "Method", *sets],
            [[*row.name.cells, *(listed(row.of_set("random", n)) for n in sets)] for row in rows],
        ),
    ]
    parts += [f"- {one.folder}: no part of the figure: {one.reason}" for one in figure.unfinished]
    parts.append(_notes(figure))
    return "\n\n".join(parts) + "\n"


def _notes(figure: Figure4) -> str:
    notes = "The paper reports the order: human-written chains > GRIT > the other methods."
    if any(run.run.method == WRITTEN for run in figure.runs):
        notes += (
            f" The row *{WRITTEN}* stands in the place of its human-written chains: chains made "
            "from the drawn scenes' annotations, which show what the judge gives to perfect ones."
        )
    failures = sum(one.failures for run in figure.runs for one in run.correlations.values())
    return notes + (f" The judge failed {failures} times; those count nowhere." * bool(failures))


def _overall(row: _Row) -> list[str]:
    rows, grounded = (sum(getattr(run, n) for run in row.runs) for n in ("rows", "grounded"))
    first = [run.correlations["random"] for run in row.runs]
    spreads = [found.std for found in first if found.std is not None]
    undecided = sum(found.undecided for found in first)
    judged = sum(run.judged for run in row.runs)
    trials = sum(
        run.judged * len(found.repeats) for run, found in zip(row.runs, first, strict=True)
    )
    return [
        *row.name.cells,
        str(len(row.runs)),
        f"{grounded / rows:.0%} ({judged} judged)" if rows else "-",
        *(listed(row.estimate(control)) for control in CONTROLS),
        f"{sum(spreads) / len(spreads):.3f}" if spreads else "-",
        f"{undecided / trials:.0%}" if trials else "-",
    ]


def to_svg(figure: Figure4) -> str:
    """Bars for each method with their intervals, a panel for each model."""
    panels: dict[str, list[BarGroup]] = {}
    for row in _rows(figure):
        bars = tuple(row.estimate(control) for control in CONTROLS)
        panels.setdefault(row.name.title, []).append(BarGroup(row.name.method, bars))
    chart = Chart(
        title="Cross-modal correlation of chains and boxes",
        note=f"Judged by {figure.judge}, {figure.repeats} repeats; 95% intervals",
        series=tuple(_CONTROL_NAMES[control] for control in CONTROLS),
        panels=tuple(Panel(title, tuple(groups)) for title, groups in panels.items()),
        y_label="own boxes picked",
        reference=(0.5, "chance"),
        top=1.0,
    )
    return chart_svg(chart)


def _rows(figure: Figure4) -> list[_Row]:
    return [_Row(name, runs) for name, runs in grouped(figure.runs)]
