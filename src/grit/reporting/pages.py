"""Self-contained HTML pages: templates, one style, one script, no network.

A page refuses the network (Content-Security-Policy). All text of a run, which a model may have
written, is escaped; no markup comes from data.
"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grit.reporting import chains, curves
from grit.reporting.chains import COLORS
from grit.reporting.controls import CONSTANT, clipped

_TEMPLATES = Path(__file__).parent / "templates"
# Control characters, halves of UTF-16 pairs, and marks that turn the direction of a line.
_ILLEGIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def page(template: str, **values: Any) -> str:
    """A whole page from one of the templates."""
    script = (_TEMPLATES / "script.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
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
