"""Figure 5 from measured attention: ``figure5.json``, ``.md`` and ``.svg``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grit.evaluation.attention import COMPARED, AttentionStudy
from grit.evaluation.attention_prefixes import PREFIXES
from grit.evaluation.bootstrap import Estimate
from grit.files import write_json, written_whole
from grit.reporting.charts import Chart, Line, Panel, chart_svg
from grit.reporting.figure_runs import RunName, Unfinished, grouped, listed, table
from grit.reporting.over_runs import over_runs

_NAMES = {
    "boxes": "boxes",
    "no_boxes": "boxes removed",
    "fewer_words": "as many other tokens removed",
}
_SHOWN_FROM = 0.1  # of the samples have to reach a token for its mean to be drawn
_UNIT = 1e3  # shown in thousandths


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


class _Row(NamedTuple):
    """The runs of one model and method, that differ in their seeds."""

    name: RunName
    runs: Sequence[AttendingRun]

    def level(self, prefix: str) -> Estimate:
        return over_runs([run.study.curves[prefix].level for run in self.runs])

    def difference(self, name: str) -> Estimate:
        return over_runs([run.study.differences[name] for run in self.runs])

    def line(self, prefix: str) -> tuple[float | None, ...]:
        """The mean over all samples that reached each token, where enough did."""
        curves = [run.study.curves[prefix] for run in self.runs]
        least = _SHOWN_FROM * sum(run.study.samples for run in self.runs)
        values = []
        for at in range(len(curves[0].mean)):
            there = [(curve.mean[at] or 0.0, curve.n[at]) for curve in curves]
            n = sum(count for _, count in there)
            total = sum(mean * count for mean, count in there)
            values.append(_UNIT * total / n if n and n >= least else None)
        return tuple(values)


def write_figure5(figure: Figure5, folder: Path) -> list[Path]:
    """Write the three files, each whole or not at all; returns their paths."""
    texts = {"figure5.md": to_markdown(figure), "figure5.svg": to_svg(figure)}
    for name, text in texts.items():
        with written_whole(folder / name) as stream:
            stream.write(text)
    write_json(folder / "figure5.json", to_json(figure))
    return [folder / name for name in (*texts, "figure5.json")]


def to_json(figure: Figure5) -> dict[str, Any]:
    """Every number behind the figure, run by run."""
    return {
        "schema_version": 1,
        "figure": "figure5",
        "set": figure.set,
        "samples": figure.samples,
        "tokens": figure.tokens,
        "levels": [
            row.name.of_group()
            | {"runs": len(row.runs)}
            | {prefix: row.level(prefix)._asdict() for prefix in PREFIXES}
            | {name: row.difference(name)._asdict() for name in COMPARED}
            for row in _rows(figure)
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


def to_markdown(figure: Figure5) -> str:
    """The levels, their paired differences, and how they were measured."""
    headings = ["Model", "Method", "Runs", "Samples", *(_NAMES[prefix] for prefix in PREFIXES)]
    headings += [f"{_NAMES[one]} − {_NAMES[other]}" for one, other in COMPARED.values()]
    rows = [
        [
            *row.name.cells,
            str(len(row.runs)),
            str(sum(run.study.samples for run in row.runs)),
            *(_thousandths(row.level(prefix)) for prefix in PREFIXES),
            *(_thousandths(row.difference(name)) for name in COMPARED),
        ]
        for row in _rows(figure)
    ]
    parts = [
        "# Figure 5: attention on the image after <rethink>",
        f"Attention on an image token, in thousandths, averaged over layers, heads and image "
        f"tokens, over the first {figure.tokens} tokens that the model generates after `<rethink>` "
        f"(fewer where it ends earlier). Set: {figure.set}. Intervals are 95%: over samples "
        "(bootstrap), and over runs where there are several (t). Differences are over the tokens "
        "that both prefixes of a sample led to.",
        table(headings, rows),
    ]
    parts += [f"- {one.folder}: no part of the figure: {one.reason}" for one in figure.unfinished]
    parts.append(
        "The paper reports that the curve with boxes lies above the one without. Attention is "
        "shared out among all earlier tokens, so a shorter prefix leaves more of it to the image; "
        "the third prefix is as short as the second and keeps the boxes: their difference is what "
        "the boxes do at equal length."
    )
    return "\n\n".join(parts) + "\n"


def to_svg(figure: Figure5) -> str:
    """The curves, a panel for each model and method; ends that few samples reach are left out."""
    panels = []
    for row in _rows(figure):
        lines = tuple(Line(row.line(prefix)) for prefix in PREFIXES)
        last = max(
            (i for line in lines for i, v in enumerate(line.values) if v is not None), default=0
        )
        cut = tuple(Line(line.values[: last + 1]) for line in lines)
        panels.append(Panel(f"{row.name.title}, {row.name.method}", lines=cut))
    chart = Chart(
        title="Attention on an image token after <rethink>",
        note="Mean over samples, layers, heads and image tokens, in thousandths",
        series=tuple(_NAMES[prefix] for prefix in PREFIXES),
        panels=tuple(panels),
        y_label="attention, thousandths",
        x_label="generated token",
    )
    return chart_svg(chart)


def _thousandths(value: Estimate) -> str:
    mean, low, high = (None if part is None else _UNIT * part for part in value[:3])
    return listed(Estimate(mean, low, high, value.n))


def _rows(figure: Figure5) -> list[_Row]:
    return [_Row(name, runs) for name, runs in grouped(figure.runs)]
