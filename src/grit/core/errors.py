"""The exceptions that are written for people."""

from grit.core.secrets import redacted


class GritError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do, in one line.

    A key in the message is hidden: a library or a service may have repeated it.

    ``python -m grit`` prints its message alone and exits with code 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(redacted(" ".join(message.split())))


class Interrupted(GritError):
    """The user stopped the run; what comes after it in a multirun is not wanted either.

    Args:
        message: what was interrupted.
        way_on: the command that goes on with it, where that is known; the message ends in it.
    """

    def __init__(self, message: str, way_on: str | None = None) -> None:
        super().__init__(message if way_on is None else f"{message}; go on with: {way_on}")
        self.way_on = way_on


class Resumable(GritError):
    """The run cannot go on now, but can later from where it stands: it ends with a checkpoint."""
