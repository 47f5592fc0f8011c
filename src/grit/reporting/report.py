"""``report.html``: one run in one file, to look at, to keep and to send around.

The page needs no network and refuses it (Content-Security-Policy). All text of a run, which a model
may have written, is escaped; no markup comes from data.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grit.evaluation.predictions import ScoredPrediction
from grit.files import written_whole
from grit.reporting import chains, curves
from grit.reporting.chains import COLORS
from grit.reporting.comparison import comparison_notes
from grit.reporting.controls import CONSTANT, clipped, controls
from grit.reporting.curves import training_curves
from grit.reporting.gallery import PictureOf, gallery
from grit.reporting.results import Results
from grit.reporting.summary import control_lines, headline, result_lines

_TEMPLATES = Path(__file__).parent / "templates"
# Control characters, halves of UTF-16 pairs, and marks that turn the direction of a line.
_ILLEGIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Measured:
    """One evaluation: its numbers, and the rows behind them by set."""

    results: Results
    rows: Mapping[str, Sequence[ScoredPrediction]]


@dataclass(frozen=True)
class ReportData:
    """All that a report of one run shows."""

    title: str
    after: Measured  # the evaluation that counts
    picture_of: PictureOf  # called for the chosen examples only
    before: Measured | None = None  # the same model before training
    metrics: Sequence[Mapping[str, Any]] = ()  # rows of metrics.jsonl
    config: str = ""  # YAML
    meta: Mapping[str, str] = field(default_factory=dict)  # label -> text; "command" is set apart


def write_report(path: Path, data: ReportData) -> None:
    """Write the page, whole or not at all."""
    page = render(data)
    with written_whole(path) as stream:
        stream.write(page)


def render(data: ReportData) -> str:
    """The page as text."""
    before = {} if data.before is None else data.before.rows
    script = (_TEMPLATES / "script.js").read_text(encoding="utf-8")
    now = {name: controls(rows) for name, rows in data.after.rows.items()}
    was = {name: controls(rows) for name, rows in before.items()}
    old = None if data.before is None else data.before.results
    return (
        _environment()
        .get_template("run.html.jinja")
        .render(
            data=data,
            results=data.after.results,
            headline=headline(old, data.after.results),
            lines=result_lines(old, data.after.results, before, data.after.rows, now),
            notes=comparison_notes(old or data.after.results, data.after.results if old else None),
            controls=control_lines(was, now),
            curves=training_curves(data.metrics),
            gallery=gallery(before, data.after.rows, data.picture_of),
            frame=(curves.WIDTH, curves.HEIGHT),
            style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_legible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clipped"] = clipped
    environment.filters["decimal"] = _decimal
    environment.globals["COLORS"] = COLORS
    environment.globals["CONSTANT"] = CONSTANT
    environment.globals["MOST_TEXT"] = chains.MOST_TEXT
    return environment


def _decimal(value: float | None, digits: int) -> str:
    """With a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _legible(value: Any) -> Any:
    """Text without what UTF-8 cannot hold, browsers reject, or would turn the line around."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _ILLEGIBLE.sub("\ufffd", value)
