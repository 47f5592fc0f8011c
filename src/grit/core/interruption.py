"""Ctrl-C and SIGTERM, as a cluster sends it before a job's time is up: all that listens to them.

The first one ends the run where it stands, or, while it trains, after the step under way; one more
ends it at once. What has come is never forgotten: whoever looks later still sees it.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from grit.core.errors import Interrupted

log = logging.getLogger(__name__)
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.05  # seconds after which what was lost is raised again
_ECHO = 2.0  # seconds within which torchrun passes on what its processes have had already


class Stop(BaseException):
    """Raised where a signal ends something; ``ended`` makes an ``Interrupted`` of it.

    No Exception, which libraries and functions of the user's would catch, and no
    KeyboardInterrupt, of which Lightning makes an exit of its own.
    """


@dataclass
class _Listener:
    """What this process has been told since it began to listen."""

    process: int = 0  # 0: nobody listens
    received: list[tuple[signal.Signals, float]] = field(default_factory=list)  # and when
    way_on: str | None = None
    give_up: Callable[[], None] | None = None  # not None: a step is under way
    within: float = 0.0
    lost: "Stop | None" = None  # raised where Python ignores what is raised
    previous: dict[signal.Signals, Any] = field(default_factory=dict)  # handlers
    unraisable: Callable[[Any], Any] = sys.unraisablehook


_listener = _Listener()


@contextmanager
def listening() -> Iterator[None]:
    """Until the block ends, signals end it in ``Stop``. Inside of another one: as there.

    Outside the main thread, where nothing can listen, signals do what they did.
    """
    global _listener
    if (
        _listener.process == os.getpid()
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    _listener = _Listener(process=os.getpid(), unraisable=sys.unraisablehook)
    _take_over()
    sys.unraisablehook = _raise_later
    try:
        yield
    finally:
        sys.unraisablehook = _listener.unraisable
        _give_back()
        _listener.process = 0


def asked() -> bool:
    """Whether the run is to end."""
    return bool(_listener.received)


def go_on_with(command: str | None) -> None:
    """Say how the run goes on should it be interrupted from now on."""
    _listener.way_on = command


def way_on() -> str | None:
    """The command that goes on with the run, once there is something to go on with."""
    return _listener.way_on


def ended(error: Exception | Stop) -> Exception:
    """What a run ended in: where it was told to end, an interruption that says how to go on.

    What a process fails with then, because others have gone before it, is no fault of its own.
    """
    if isinstance(error, Interrupted):
        return error
    if isinstance(error, Exception) and not asked():
        return error
    said = str(error) if isinstance(error, Stop) else f"interrupted by {_first()}"
    if _listener.way_on is None:
        return Interrupted(f"{said}; start it again")
    return Interrupted(said, way_on=_listener.way_on)


def defer(give_up: Callable[[], None], within: float) -> None:
    """Let steps finish from now on, until ``undefer``.

    Args:
        give_up: called where a step has not finished in time; may raise.
        within: seconds from the first signal until then.
    """
    global _listener
    if not _listener.process:
        _listener = _Listener()  # a training outside of any run
    _take_over()  # from Lightning
    _listener.give_up, _listener.within = give_up, within


def step_done() -> None:
    """There is nothing left to give up."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def undefer() -> None:
    """No step is under way any more."""
    if _listener.give_up is None:
        return
    step_done()
    _listener.give_up = None
    if not _listener.process:
        _give_back()


def _take_over() -> None:
    for number, handler in (*((each, _receive) for each in SIGNALS), (signal.SIGALRM, _alarm)):
        _listener.previous.setdefault(number, signal.getsignal(number))
        signal.signal(number, handler)


def _give_back() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in _listener.previous.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _listener.previous.clear()


def _receive(number: int, frame: FrameType | None) -> None:
    if _listener.process not in (0, os.getpid()):  # a fork, which has no run of its own
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    told = signal.Signals(number)
    before = list(_listener.received)
    _listener.received.append((told, time.monotonic()))
    if before and _is_echo(before, told):
        return
    if _listener.give_up is None:
        raise Stop(f"interrupted by {_first()}")
    if before:
        raise Stop("interrupted twice, which stops at once")
    signal.setitimer(signal.ITIMER_REAL, _listener.within)
    log.info(
        "stopping after this step, with a checkpoint; a step that does not end in %g s is "
        "given up; once more to stop at once",
        _listener.within,
    )


def _first() -> str:
    """What the program was told first, as people call it."""
    return "Ctrl-C" if _listener.received[0][0] == signal.SIGINT else "SIGTERM"


def _is_echo(before: list[tuple[signal.Signals, float]], told: signal.Signals) -> bool:
    """Whether torchrun repeats by SIGTERM the Ctrl-C that the terminal has sent to all."""
    first, when = before[0]
    repeats = len(before) == 1 and (first, told) == SIGNALS
    return repeats and "WORLD_SIZE" in os.environ and time.monotonic() - when < _ECHO


def _alarm(number: int, frame: FrameType | None) -> None:
    if _listener.lost is not None:
        lost, _listener.lost = _listener.lost, None
        raise lost
    if _listener.give_up is not None:
        _listener.give_up()


def _raise_later(ignored: Any) -> None:
    """A signal may come while an object is deleted, where Python ignores what is raised."""
    if isinstance(ignored.exc_value, Stop):
        _listener.lost = ignored.exc_value.with_traceback(None)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    else:
        _listener.unraisable(ignored)
