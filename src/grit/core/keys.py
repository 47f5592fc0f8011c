"""API keys: read from environment variables only, and refused in configurations."""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from grit.core.errors import GritError
from grit.core.secrets import KEYS, has_user, holds_key, names_key

SERVER = "WANDB_BASE_URL"  # read by a client that takes no other address than a whole one
ADDRESSES = ("HF_ENDPOINT", SERVER)
"""Environment variables with the addresses of services."""

_NOTHING = (None, True, False, "", "???")  # what a field may hold that is named like a key
_NO_KEYS = ("wckey",)  # named like one: whom Slurm accounts a job to
_NOT_OF_A_KEY = re.compile(r"[^\x21-\x7e]")


def tidy_keys(environment: MutableMapping[str, str] = os.environ) -> None:
    """Strip white space, as files and pasting leave it, from the keys in ``environment``.

    Raises:
        GritError: a key has a character that keys do not have, or an address in ``ADDRESSES``
            contains a name or a key, or is none that W&B's client takes.
    """
    for name in filter(environment.__contains__, KEYS):
        environment[name] = tidied(name, environment[name])
    for name in ADDRESSES:
        if has_user(environment.get(name, "")):
            raise GritError(
                f"{name}: an address with a name or key before its @ ends up in logs: leave that "
                "out, keys have environment variables of their own"
            )
    if (server := environment.get(SERVER)) and not is_address(server):
        raise GritError(f"{SERVER}: expected http://HOST or http://HOST:PORT, found {server}")


def is_address(text: str) -> bool:
    """Whether a text is an http(s) address with a host, and with a port in range if it has one."""
    try:
        parts = urlsplit(text)
        port = parts.port  # raises if it is not a number in range
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def tidied(name: str, key: str) -> str:
    """The key that the environment variable ``name`` holds, without white space at its ends.

    Raises:
        GritError: white space or a character outside ASCII is left in it.
    """
    key = key.strip()
    if _NOT_OF_A_KEY.search(key):
        raise GritError(
            f"{name}: a blank, a line break or a letter outside ASCII stands within the key: "
            "set the environment variable again"
        )
    return key


def refuse_keys(values: Any) -> None:
    """Raise GritError for the first value of a configuration that is, or contains, a key.

    Most services' keys have no form of their own, as Azure's and W&B's, which are hexadecimal:
    they are told by the name of their field, and by the option of a command that takes them.

    Args:
        values: nested dictionaries, lists and plain values, which are going to be stored.
    """
    for path, value in leaves(values, ""):
        text = "" if value in _NOTHING else str(value)
        name = path.rpartition(".")[2].partition("[")[0]
        if holds_key(f"{path}={text}") or (text and names_key(name) and name not in _NO_KEYS):
            raise GritError(
                f"config: {path} holds a key, or an address with a name before its @: the "
                "configuration is written down, and keys come from the environment only"
            )
        option = text.partition("=")[0]
        if option.startswith("--") and names_key(option):
            raise GritError(
                f"config: {path}: {option} takes a key, and the configuration is written down: "
                "leave it out, servers read VLLM_API_KEY and HF_TOKEN from the environment"
            )


def leaves(values: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Each plain value in nested ones, with its path below ``where``."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from leaves(value, f"{where}.{name}" if where else str(name))
    elif isinstance(values, list | tuple):
        for number, value in enumerate(values):
            yield from leaves(value, f"{where}[{number}]")
    else:
        yield where, values
