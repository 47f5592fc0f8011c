"""What must not be read in a log, a message or a file, and how it is hidden there."""

import json
import logging
import os
import re
from collections.abc import Iterable
from urllib.parse import quote

KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "WANDB_API_KEY", "HF_TOKEN")
"""The keys that the suite and its libraries read from the environment."""

HIDDEN = "***"
_NAME_OF_A_KEY = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_PART = 8  # characters in a row that give enough of a key away; shorter values are no keys
_SEARCHED = 20_000  # characters of a text of which an excerpt is shown; no key is that long
_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_LIKE_A_KEY = re.compile(r"\bsk-[\w*-]{6,}|(?<=\bBearer )[^\s'\"]{6,}")


def has_user(address: str) -> bool:
    """Whether a name, or a key, stands before the host of an address."""
    return _USER_OF_ADDRESS.search(address) is not None


def holds_key(text: str) -> bool:
    """Whether one of the environment's keys, or what looks like a key, stands in ``text``."""
    forms = (form for names in (KEYS, _other_names()) for form in _forms(names))
    return bool(has_user(text) or _LIKE_A_KEY.search(text) or any(form in text for form in forms))


def redacted(text: str) -> str:
    """``text`` without the keys of the environment, however they are written.

    Hidden are keys as they are, as Python or JSON escapes them, and percent-encoded, and of the
    suite's own eight characters in a row; names and passwords in addresses; what looks like a key.
    """
    for form in sorted(_forms(_other_names()), key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    text = _without_parts(text, _forms(KEYS))
    return _LIKE_A_KEY.sub(HIDDEN, _USER_OF_ADDRESS.sub(f"{HIDDEN}@", text))


def excerpt(text: str, characters: int) -> str:
    """A text of somebody else's, for a message: one line, without keys, of at most ``characters``.

    Keys are hidden before anything is cut: a part of one would not be found. What cannot be printed
    (what clears a terminal, a half of a UTF-16 pair) becomes a question mark.
    """
    line = " ".join(redacted(text[:_SEARCHED]).split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= characters else line[:characters] + "..."


def _without_parts(text: str, keys: Iterable[str]) -> str:
    parts = {key[start : start + _PART] for key in keys for start in range(len(key) - _PART + 1)}
    hidden: set[int] = set()
    for start in range(len(text) - _PART + 1):
        if text[start : start + _PART] in parts:
            hidden.update(range(start, start + _PART))
    shown = ("\0" if place in hidden else letter for place, letter in enumerate(text))
    return re.sub("\0+", HIDDEN, "".join(shown)) if hidden else text


def _other_names() -> list[str]:
    """The environment's variables that hold keys by their names, but for ``KEYS``."""
    return [name for name in os.environ if _NAME_OF_A_KEY.search(name) and name not in KEYS]


def _forms(names: Iterable[str]) -> set[str]:
    """The ways in which the keys in these variables may stand in a text."""
    forms: set[str] = set()
    for name in names:
        value = os.environ.get(name, "")
        if len(value.strip()) < _PART or os.path.exists(value):  # SSL_KEY=/etc/ssl/...
            continue
        for key in (value, value.strip()):
            encoded = quote(key, safe="")
            lower = re.sub("%..", lambda code: code[0].lower(), encoded)
            forms |= {key, encoded, lower, repr(key)[1:-1], json.dumps(key)[1:-1]}
            forms.add(repr(key.encode("utf-8", "surrogateescape"))[2:-1])
    return forms


class RedactingFormatter(logging.Formatter):
    """Of every handler of the log: tracebacks and messages of libraries pass here too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line without keys."""
        return redacted(super().format(record))
