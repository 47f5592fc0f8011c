"""Self-contained HTML pages: templates, one style, one script, no network.

A page refuses the network (Content-Security-Policy). All text of a run, which a model may have
written, is escaped; no markup comes from data.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from grit.evaluation.controls import CONSTANT, clipped
from grit.figures.markup import environment
from grit.pages.chains import COLORS, MOST_TEXT, PALETTE
from grit.pages.training_curves import FRAME, STACK

TEMPLATES = Path(__file__).parent / "templates"


def page(template: str, *, room: Path | None = None, **values: Any) -> str:
    """A whole page from one of the templates.

    Args:
        template: its file's name.
        room: a folder with further templates, and with a script and a style that are added.
        values: of the template.
    """
    folders = _folders(room)
    script, style = (
        "\n".join((folder / name).read_text(encoding="utf-8") for folder in folders)
        for name in ("script.js", "style.css")
    )
    return fragment(
        template,
        room=room,
        **values,
        style=Markup(style + _palette()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def fragment(template: str, *, room: Path | None = None, **values: Any) -> str:
    """A part of a page; for the arguments see ``page``."""
    return _environment(room).get_template(template).render(**values)


def _folders(room: Path | None) -> list[Path]:
    return [TEMPLATES] if room is None else [TEMPLATES, room]


@cache
def _environment(room: Path | None) -> Environment:
    templates = environment(*_folders(room))
    templates.filters |= {"clipped": clipped, "decimal": _decimal, "zip": zip}
    constants = {"COLORS": COLORS, "CONSTANT": CONSTANT, "MOST_TEXT": MOST_TEXT}
    templates.globals |= constants | {"FRAME": FRAME, "STACK": STACK}
    return templates


def _palette() -> str:
    """The classes of the boxes' colours: c1 is that of number 1."""
    return "".join(f".c{n} {{ --c: {color}; }}\n" for n, color in enumerate(PALETTE, start=1))


def _decimal(value: float | None, digits: int) -> str:
    """With a true minus sign."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
