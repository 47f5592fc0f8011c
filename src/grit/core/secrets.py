"""Finding and hiding keys and passwords in log lines, messages and files."""

import json
import logging
import os
import re
from collections.abc import Iterable
from urllib.parse import quote

KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "WANDB_API_KEY", "HF_TOKEN", "VLLM_API_KEY")
"""The keys that the suite and its libraries read from the environment."""

HIDDEN = "***"
_NAME_OF_A_KEY = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_PART = 8  # consecutive characters of a key that are hidden; shorter values are not keys
_SEARCHED = 20_000  # characters of a text that `excerpt` reads; no key is that long
_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_LIKE_A_KEY = re.compile(
    r"\bsk-[\w*-]{6,}|\bhf_(?=[a-z]*[A-Z\d])[A-Za-z\d]{20,}|(?<=\bBearer )[^\s'\"]{6,}"
)


def has_user(address: str) -> bool:
    """Whether an address has a user name, a password or a key before its host."""
    return _USER_OF_ADDRESS.search(address) is not None


def names_key(name: str) -> bool:
    """Whether a name says that a key is what it stands for, as ``api_key`` and ``HF_TOKEN`` do."""
    return _NAME_OF_A_KEY.search(name) is not None


def holds_key(text: str) -> bool:
    """Whether ``text`` has a key of the environment, something like a key, or a user's address."""
    forms = (form for names in (KEYS, _other_names()) for form in _forms(names))
    return bool(has_user(text) or _LIKE_A_KEY.search(text) or any(form in text for form in forms))


def redacted(text: str) -> str:
    """``text`` with ``***`` in the place of keys and passwords.

    Hidden are: the environment's keys, also escaped by Python or JSON or percent-encoded; any eight
    consecutive characters of the keys in ``KEYS``; names and passwords in addresses; whatever looks
    like a key.
    """
    for form in sorted(_forms(_other_names()), key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    text = _without_parts(text, _forms(KEYS))
    return _LIKE_A_KEY.sub(HIDDEN, _USER_OF_ADDRESS.sub(f"{HIDDEN}@", text))


def excerpt(text: str, characters: int) -> str:
    """The first ``characters`` of an untrusted text, for a message: one line, without keys.

    Keys are hidden before the text is cut, because a part of a key would not be recognised.
    Unprintable characters (terminal escapes, lone surrogates) become question marks.
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
    """Environment variables, other than ``KEYS``, whose names say that they hold keys."""
    return [name for name in os.environ if names_key(name) and name not in KEYS]


def _forms(names: Iterable[str]) -> set[str]:
    """The keys in these variables in all spellings: plain, percent-encoded, escaped."""
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
    """Hides keys in log lines; all log handlers use it, so libraries' tracebacks are covered."""

    def format(self, record: logging.LogRecord) -> str:
        """The formatted record without keys."""
        return redacted(super().format(record))
