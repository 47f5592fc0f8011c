"""What goes wrong between this program and W&B's server, said in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from grit.errors import GritError

# The library's words, also where the server is silent or not there: it tries again until its time
# is over, and then knows no more.
_TIME_IS_OVER = (
    "Failed to execute API request: the service process is busy and did not respond in time."
)
_NO_ANSWER = "no answer in time (WANDB_HTTP_TIMEOUT is how many seconds to wait)"


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
        reason = str(error).replace(_TIME_IS_OVER, _NO_ANSWER).strip() or type(error).__name__
        raise GritError(f"{before}: {reason}{after}") from error
