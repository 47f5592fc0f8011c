"""Chat templates of model folders: programs in Jinja, tried once before anything is built on them.

transformers runs them in a sandbox that reaches neither files nor Python's own objects; what it
leaves open is to fail, to take forever, and to leave out what they are given.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from grit.core.errors import GritError
from grit.models.folders import short

SECONDS = 5.0  # a template takes less than a hundredth of one
LONGEST = 20_000  # characters that it may put around a turn; the known ones put 200
_TEXT = "How many dogs are there?"


class _Endless(Exception):
    pass


def check_template(folder: Path, processor: Any) -> None:
    """Render one user's turn of an image and a text.

    Raises:
        GritError: the template fails, does not end, or has not the image and the text once each.
    """
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": _TEXT}]}]
    try:
        with _at_most(SECONDS):
            found = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    except _Endless:
        raise _unusable(folder, f"it does not end within {SECONDS:.0f} seconds") from None
    except Exception as error:  # whatever a program raises
        raise _unusable(folder, short(error)) from error
    for what, text in (("the image", processor.image_token), ("the text", _TEXT)):
        if found.count(text) != 1:
            raise _unusable(folder, f"it has {what} {found.count(text)} times and not once")
    if len(found) > LONGEST:
        raise _unusable(folder, f"it puts {len(found):,} characters around a turn")


def _unusable(folder: Path, reason: str) -> GritError:
    return GritError(f"{folder}: its chat template cannot be used: {reason}")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise _Endless in the block's Python code, of which a rendered template is, when it is time.

    It is looked at before each line: a signal could come at the main thread alone.
    """
    end = time.monotonic() + seconds

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise _Endless
        return watch

    former = sys.gettrace()
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(former)
