"""Self-contained HTML pages: templates, one style, one script, no network.

A page refuses the network (Content-Security-Policy). All text of a run, which a model may have
written, is escaped; no markup comes from data.
"""

import base64
import hashlib
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from grit.evaluation.controls import CONSTANT, clipped
from grit.pages import chains, curves
from grit.pages.chains import COLORS
from grit.pages.markup import TEMPLATES, environment


def page(template: str, **values: Any) -> str:
    """A whole page from one of the templates."""
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            frame=(curves.WIDTH, curves.HEIGHT),
            style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _environment() -> Environment:
    found = environment()
    found.filters["clipped"] = clipped
    found.filters["decimal"] = _decimal
    found.globals["COLORS"] = COLORS
    found.globals["CONSTANT"] = CONSTANT
    found.globals["MOST_TEXT"] = chains.MOST_TEXT
    return found


def _decimal(value: float | None, digits: int) -> str:
    """With a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
