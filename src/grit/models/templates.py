"""Checking the chat template of a model folder by rendering it once.

Templates are untrusted Jinja programs. transformers renders them in a sandbox without access to
files and Python objects, but they may still fail, never end, or leave out their input.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from grit.core.errors import GritError
from grit.models.folders import short

SECONDS = 5.0  # limit; usual templates take less than 0.01
LONGEST = 20_000  # limit of characters around a turn; usual templates have 200
OPENED_THINK = re.compile(r"<think>\s*\Z")
_TEXT = "How many dogs are there?"


class _TimeLimit(Exception):
    pass


def by_template(processor: Any, text: str) -> str:
    """A user's turn of an image and ``text`` by a processor's chat template, up to the answer."""
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
    return str(processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False))


def check_template(folder: Path, processor: Any) -> None:
    """Render a user's turn of an image and a text.

    Raises:
        GritError: the template fails, takes too long, or does not contain image and text once.
    """
    try:
        with _time_limit(SECONDS):
            rendered = by_template(processor, _TEXT)
    except _TimeLimit:
        raise _unusable(folder, f"it does not end within {SECONDS:.0f} seconds") from None
    except Exception as error:  # a template may raise anything
        raise _unusable(folder, short(error)) from error
    for what, text in (("the image", processor.image_token), ("the text", _TEXT)):
        if rendered.count(text) != 1:
            raise _unusable(folder, f"it has {what} {rendered.count(text)} times and not once")
    if len(rendered) > LONGEST:
        raise _unusable(folder, f"it puts {len(rendered):,} characters around a turn")


def _unusable(folder: Path, reason: str) -> GritError:
    return GritError(f"{folder}: its chat template cannot be used: {reason}")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise _TimeLimit in the block's Python code after ``seconds``.

    Templates are compiled to Python, and a trace function checks the time before each line. A
    signal would work in the main thread only.
    """
    end = time.monotonic() + seconds

    def check_time(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise _TimeLimit
        return check_time

    previous = sys.gettrace()
    sys.settrace(check_time)
    try:
        yield
    finally:
        sys.settrace(previous)
