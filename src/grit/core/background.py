"""Work beside the main thread that nobody has to wait for when the program ends."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Value = TypeVar("Value")


def in_background(call: Callable[[], Value]) -> "Future[Value]":
    """Start ``call`` in a thread of its own; ``result()`` waits for it and raises what it raised.

    An executor's threads are joined when the interpreter ends, so that Ctrl-C would have to wait
    for a slow service; this one is left behind.
    """
    future: Future[Value] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # raised again by result()
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future
