"""User functions that the configuration names by their dotted paths."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from grit.core.errors import GritError


def function_at(path: str, setting: str) -> Callable[..., Any]:
    """The function at the dotted ``path``; ``setting`` is the field that names it.

    Raises:
        GritError: ``path`` names nothing callable, or its module cannot be imported.
    """
    name, _, attribute = path.rpartition(".")
    if not name:
        raise GritError(f"{setting}: no function {path!r}: expected MODULE.FUNCTION")
    try:
        call = getattr(import_module(name), attribute)
    except Exception as error:  # importing a user's module may raise anything
        raise GritError(f"{setting}: no function {path!r} ({_reason(error, name)})") from error
    if not callable(call):
        raise GritError(f"{setting}: {path!r} is not a function")
    return call


def check_takes(call: Callable[..., Any], names: tuple[str, ...], setting: str) -> None:
    """Check that a function takes as many positional arguments as there are ``names``.

    Raises:
        GritError: it does not, or it is a coroutine function; ``setting`` is named in the message.
    """
    if inspect.iscoroutinefunction(call):
        raise GritError(f"{setting}: expected a function that gives its value, not an async one")
    try:
        signature = inspect.signature(call)
    except ValueError:  # some functions written in C have no signature
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        takes = f"({', '.join(names)})"
        raise GritError(f"{setting}: expected a function of {takes}, but: {error}") from error


def _reason(error: Exception, module: str) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        return f"{error}: start python -m grit in its folder, or name that in PYTHONPATH"
    if isinstance(error, ImportError | AttributeError):
        return str(error)
    return f"{type(error).__name__}: {error}"
