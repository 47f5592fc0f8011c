"""``report.html``: one run in one file, to look at, to keep and to send around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grit.evaluation.controls import controls
from grit.figures.places import without_places
from grit.pages.beside_results import beside_table
from grit.pages.comparison import comparison_notes
from grit.pages.gallery import PictureOf, gallery
from grit.pages.pages import page
from grit.pages.summary import ControlLine, headline, result_lines
from grit.pages.training_curves import reward_stack, training_curves, validation_curves
from grit.runs.judging import judging_note
from grit.runs.measured import Measured
from grit.runs.shown_metrics import definitions


@dataclass(frozen=True)
class ReportData:
    """All that a report of one run shows."""

    title: str
    after: Measured  # the evaluation that counts
    picture_of: PictureOf  # called for the chosen examples only
    before: Measured | None = None  # the same model before training
    metrics: Sequence[Mapping[str, Any]] = ()  # rows of metrics.jsonl
    validation: Sequence[Mapping[str, Any]] = ()  # rows of validation.jsonl
    config: str = ""  # YAML
    all_chains: str = ""  # the page beside it that has every chain
    meta: Mapping[str, str] = field(default_factory=dict)  # label -> text; "command" is set apart


def render(data: ReportData) -> str:
    """The page as text."""
    before = {} if data.before is None else data.before.rows
    now = {name: controls(rows) for name, rows in data.after.rows.items()}
    was = {name: controls(rows) for name, rows in before.items()}
    old, new = None if data.before is None else data.before.results, data.after.results
    notes = comparison_notes(new) if old is None else comparison_notes(old, new)
    return page(
        "run.html.jinja",
        data=data,
        results=new,
        judging=judging_note([new]),
        headline=headline(old, new),
        beside=beside_table(old, new),
        lines=result_lines(data.before, data.after, now),
        definitions=definitions([new] if old is None else [old, new]),
        notes=list(map(without_places, notes)),
        controls=[ControlLine(name, was.get(name), found) for name, found in now.items()],
        stack=reward_stack(data.metrics),
        curves=[*training_curves(data.metrics), *validation_curves(data.validation)],
        gallery=gallery(before, data.after.rows, data.picture_of),
    )
