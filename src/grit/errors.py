"""The exceptions that are written for people."""


class GritError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do, in one line.

    ``python -m grit`` prints its message alone and exits with code 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class Interrupted(GritError):
    """The user stopped the run; what comes after it in a multirun is not wanted either."""


class Resumable(GritError):
    """The run cannot go on now, but can later from where it stands: it ends with a checkpoint."""
