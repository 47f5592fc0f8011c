"""Handlers of SIGINT (Ctrl-C) and SIGTERM, which a cluster sends before a job's time limit.

The first signal raises ``Stop`` at once or, during training, lets the current step finish first; a
second signal raises it at once. ``asked`` stays true from the first signal on.
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
_AGAIN = 0.05  # seconds until a Stop that Python ignored is raised again
_ECHO = 2.0  # seconds after a signal in which a SIGTERM is taken for torchrun's reaction to it


class Stop(BaseException):
    """Raised by the signal handlers; ``ended`` converts it to ``Interrupted``.

    It is not an Exception, which libraries and user functions would catch, and not a
    KeyboardInterrupt, which Lightning converts to its own exit.
    """


@dataclass
class _Listener:
    """State of the signal handlers of this process."""

    process: int = 0  # its PID; 0: outside of `listening`
    received: list[tuple[signal.Signals, float]] = field(default_factory=list)  # time.monotonic()
    resume_command: str | None = None  # the command that resumes the run
    whole: list[str] | None = None  # of a job: the arguments that go on with its multirun
    give_up: Callable[[], None] | None = None  # not None: between `defer` and `undefer`
    within: float = 0.0  # seconds from the first signal to `give_up`
    lost: "Stop | None" = None  # raised in a destructor, where Python ignores exceptions
    previous: dict[signal.Signals, Any] = field(default_factory=dict)  # replaced handlers
    unraisable: Callable[[Any], Any] = sys.unraisablehook


_listener = _Listener()


@contextmanager
def listening() -> Iterator[None]:
    """Raise ``Stop`` on SIGINT and SIGTERM until the block ends; nested blocks change nothing.

    Does nothing outside the main thread, where Python cannot set signal handlers.
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
    """Whether SIGINT or SIGTERM has been received."""
    return bool(_listener.received)


def begin_job(whole: list[str] | None) -> None:
    """Forget the command of an earlier job of this process.

    Args:
        whole: arguments that go on with the whole multirun; None for a run of its own.
    """
    _listener.resume_command, _listener.whole = None, whole


def whole() -> list[str] | None:
    """The arguments that go on with the multirun that this run is a job of; None outside one."""
    return _listener.whole


def set_resume_command(command: str | None) -> None:
    """Set the command that resumes the run; None: there is nothing to resume."""
    _listener.resume_command = command


def resume_command() -> str | None:
    """The command that resumes the run; None while there is nothing to resume."""
    return _listener.resume_command


def ended(error: Exception | Stop) -> Exception:
    """Convert the error that ended a run to ``Interrupted`` if a signal has been received.

    After a signal every error counts as the interruption: a rank's collectives may fail because
    other ranks have ended before it. Without a signal ``error`` is returned unchanged.
    """
    if isinstance(error, Interrupted):
        return error
    if isinstance(error, Exception) and not asked():
        return error
    said = str(error) if isinstance(error, Stop) else f"interrupted by {_first()}"
    if _listener.resume_command is None:
        return Interrupted(f"{said}; start it again")
    return Interrupted(said, resume_command=_listener.resume_command)


def defer(give_up: Callable[[], None], within: float) -> None:
    """Let the current training step finish after a first signal, until ``undefer``.

    Args:
        give_up: called if the step has not finished in time; may raise.
        within: seconds from the first signal to that call.
    """
    global _listener
    if not _listener.process:
        _listener = _Listener()  # training without a `listening` block
    _take_over()  # Lightning has set handlers of its own
    _listener.give_up, _listener.within = give_up, within


def step_done() -> None:
    """Cancel the timer that calls ``give_up``: the current step has finished."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def undefer() -> None:
    """End what ``defer`` began: the next signal raises ``Stop`` at once."""
    if _listener.give_up is None:
        return
    step_done()
    _listener.give_up = None
    if not _listener.process:
        _give_back()


def _take_over() -> None:
    for number, handler in (*((each, _receive) for each in SIGNALS), (signal.SIGALRM, _alarm)):
        previous = _listener.previous.setdefault(number, signal.getsignal(number))
        # Submitit puts a job back into the queue unless the job ends by itself at SIGTERM.
        is_submitits = number == signal.SIGTERM and "SUBMITIT_EXECUTOR" in os.environ
        signal.signal(number, previous if is_submitits and previous is not None else handler)


def _give_back() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in _listener.previous.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _listener.previous.clear()


def _receive(number: int, frame: FrameType | None) -> None:
    if _listener.process not in (0, os.getpid()):  # a forked process: default action
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
    """Name of the first signal, for messages."""
    return "Ctrl-C" if _listener.received[0][0] == signal.SIGINT else "SIGTERM"


def _is_echo(before: list[tuple[signal.Signals, float]], told: signal.Signals) -> bool:
    """Whether a SIGTERM is torchrun's reaction to a signal that this rank has received too.

    A terminal sends SIGINT to all processes, and SLURM SIGTERM; torchrun then sends SIGTERM to its
    ranks.
    """
    when = before[0][1]
    repeats = len(before) == 1 and told == signal.SIGTERM
    return repeats and "WORLD_SIZE" in os.environ and time.monotonic() - when < _ECHO


def _alarm(number: int, frame: FrameType | None) -> None:
    if _listener.lost is not None:
        lost, _listener.lost = _listener.lost, None
        raise lost
    if _listener.give_up is not None:
        _listener.give_up()


def _raise_later(ignored: Any) -> None:
    """``sys.unraisablehook``: raise a ``Stop`` again that was raised in a destructor.

    Python ignores exceptions in destructors, so a timer raises this one again.
    """
    if isinstance(ignored.exc_value, Stop):
        _listener.lost = ignored.exc_value.with_traceback(None)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)
    else:
        _listener.unraisable(ignored)
