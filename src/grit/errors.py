"""The exceptions that are written for people."""

from grit.secrets import redacted


class GritError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do, in one line.

    A key in the message is hidden: a library or a service may have repeated it.

    ``python -m grit`` prints its message alone and exits with code 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(redacted(" ".join(message.split())))


class Interrupted(GritError):
    """The user stopped the run; what comes after it in a multirun is not wanted either."""


class Resumable(GritError):
    """The run cannot go on now, but can later from where it stands: it ends with a checkpoint."""
