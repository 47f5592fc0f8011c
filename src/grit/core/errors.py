"""Exceptions whose messages are meant for users."""

from grit.core.secrets import redacted


class GritError(Exception):
    """An error that the user can fix: says what is wrong, where, and what to do, in one line.

    ``python -m grit`` prints the message alone and exits with code 1. API keys in the message,
    which a library or a service may have repeated, are hidden.
    """

    def __init__(self, message: str) -> None:
        super().__init__(redacted(" ".join(message.split())))


class Interrupted(GritError):
    """The user stopped the run; the remaining jobs of a multirun are not started.

    Args:
        message: what was interrupted.
        resume_command: the command that resumes the run, if known; it is appended to the message.
    """

    def __init__(self, message: str, resume_command: str | None = None) -> None:
        super().__init__(
            message if resume_command is None else f"{message}; go on with: {resume_command}"
        )


class Resumable(GritError):
    """The run cannot continue now but may later: it writes a checkpoint and ends."""
