"""Errors of requests to W&B's server, as one line with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from grit.core.errors import GritError

_BETTER_WORDS = {
    # Raised also if the server does not respond or does not exist: the library retries until its
    # timeout, and then does not know the cause.
    "Failed to execute API request: the service process is busy and did not respond in time.": (
        "no answer in time (WANDB_HTTP_TIMEOUT is how many seconds to wait)"
    ),
    # The key that `wandb login` stores would work here, but logger.mode=auto does not read it.
    "No API key configured. Use `wandb login` to log in.": (
        "No API key configured: set the environment variable WANDB_API_KEY"
    ),
}


def reason_of(error: Exception) -> str:
    """The library's message, or a clearer one that says what to do."""
    said = str(error)
    for theirs, ours in _BETTER_WORDS.items():
        said = said.replace(theirs, ours)
    return said.strip() or type(error).__name__


@contextmanager
def failures(before: str, after: str = "") -> Iterator[None]:
    """A context for requests to W&B, whose errors become a GritError.

    The message is the library's, between ``before`` and ``after``. The library waits
    ``WANDB_HTTP_TIMEOUT`` seconds (default 19) for each response.

    Raises:
        GritError: the server refuses, lacks what is requested, or does not respond in time.
    """
    import wandb  # takes a second
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    # WandbApiFailedError is no wandb.Error; a missing project raises ValueError.
    known = (wandb.Error, WandbApiFailedError, OSError, ValueError)
    try:
        yield
    except known as error:
        raise GritError(f"{before}: {reason_of(error)}{after}") from error
