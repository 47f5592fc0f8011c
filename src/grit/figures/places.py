"""Paths of the machine that made a page, which nobody else can follow and which name its owner."""

import re

# A path from the root, in prose. Not the tail of a URL, a tag, a fraction or a relative path.
_ABSOLUTE = re.compile(r"(?<![\w.~:/<>)-])/(?:[^\s/'\",;:()\[\]<>|]+/?)+")
_KEPT = 2  # last parts


def without_places(text: str) -> str:
    """The text with the last two parts of every absolute path, or one where there are no more.

    >>> without_places("all 491 images are missing in /home/me/data/grit/tallyqa")
    'all 491 images are missing in .../grit/tallyqa'
    >>> without_places("of yes/no, in runs/a/b, by http://localhost:8000/v1/chat, after </think>")
    'of yes/no, in runs/a/b, by http://localhost:8000/v1/chat, after </think>'
    """
    return _ABSOLUTE.sub(_shortened, text)


def _shortened(match: re.Match[str]) -> str:
    parts = match[0].strip("/").split("/")
    kept = parts[-_KEPT:] if len(parts) > _KEPT else parts[-1:]
    return "/".join(["...", *kept])
