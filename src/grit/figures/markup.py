"""From text to markup: templates whose values are escaped and legible."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
# Control characters, halves of UTF-16 pairs, what XML refuses, marks that turn a line around.
_ILLEGIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


def environment(*folders: Path) -> Environment:
    """Jinja for the templates of folders, or of this room; a value that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(folders or (TEMPLATES,)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=legible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def legible(value: Any) -> Any:
    """Text without what UTF-8 cannot hold, browsers reject, or would turn the line around."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _ILLEGIBLE.sub("\ufffd", value)
