"""Run a call in a daemon thread, which does not delay the end of the program."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Value = TypeVar("Value")


def in_background(call: Callable[[], Value]) -> "Future[Value]":
    """Start ``call`` in a new daemon thread.

    The threads of a ThreadPoolExecutor are joined when the interpreter exits, so that Ctrl-C would
    have to wait for a slow service. A daemon thread is not joined.

    Returns:
        A future: ``result()`` waits for the call and returns its value or raises its exception.
    """
    future: Future[Value] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # raised again by result()
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future
