"""What goes wrong between this program and W&B's server, said in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from grit.core.errors import GritError

_BETTER_WORDS = {
    # What the library says also where the server is silent or not there: it tries again until its
    # time is over, and then knows no more.
    "Failed to execute API request: the service process is busy and did not respond in time.": (
        "no answer in time (WANDB_HTTP_TIMEOUT is how many seconds to wait)"
    ),
    # What `wandb login` keeps in a file would do here, but logger.mode=auto does not look at it.
    "No API key configured. Use `wandb login` to log in.": (
        "No API key configured: set the environment variable WANDB_API_KEY"
    ),
}


def reason_of(error: Exception) -> str:
    """What the library says has gone wrong, in words that say what to do."""
    said = str(error)
    for theirs, ours in _BETTER_WORDS.items():
        said = said.replace(theirs, ours)
    return said.strip() or type(error).__name__


@contextmanager
def failures(before: str, after: str = "") -> Iterator[None]:
    """Questions to W&B; what the library raises about them stands between ``before`` and ``after``.

    The library waits ``WANDB_HTTP_TIMEOUT`` seconds, 19 unless that is set, for each answer.

    Raises:
        GritError: the server refuses, has not what is asked for, or does not answer in time.
    """
    import wandb  # takes a second
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    # The second is no wandb.Error; that a project is not there is a ValueError.
    known = (wandb.Error, WandbApiFailedError, OSError, ValueError)
    try:
        yield
    except known as error:
        raise GritError(f"{before}: {reason_of(error)}{after}") from error
