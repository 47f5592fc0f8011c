"""Classify a failed call of a service: ask again, give the question up, or stop asking."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

import openai

from grit.core.secrets import excerpt
from grit.judge.reply import UnreadableReply
from grit.judge.transport import AnotherServer, RefusedResponse


class Action(Enum):
    """What to do after a fault."""

    retry = "retry"  # another attempt may succeed
    unjudged = "unjudged"  # this question will not be answered
    stop = "stop"  # no question will be answered until the user fixes something


@dataclass(frozen=True)
class Fault:
    """Why one call failed; ``wait``: seconds that the service asks for (Retry-After)."""

    action: Action
    reason: str
    wait: float = 0.0
    unreachable: bool = False  # no response was received
    unreadable: bool = False  # a response without a score


_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_REFUSED = {
    401: "the key is not accepted",
    402: "the account has no credit left",
    403: "the key may not do this",
    404: "there is no such model or address",
}
_PASSING = {408, 409, 425, 429}  # worth another attempt, as are all from 500 on
_SHOWN = 300  # characters of a reason, which may be a page of HTML


def fault_of(error: Exception) -> Fault:
    """Classify any exception of a call; the reason is one short line without keys."""
    try:
        fault = _fault_of(error)
        return replace(fault, reason=excerpt(fault.reason, _SHOWN))
    except Exception as another:  # noqa: BLE001  # it may quote JSON that is nested 1000 deep
        names = f"{type(error).__name__}, {type(another).__name__}"
        return Fault(Action.retry, f"a response that cannot even be shown ({names})")


def _fault_of(error: Exception) -> Fault:
    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if isinstance(error, AnotherServer):
        return Fault(
            Action.stop,
            f"it sends its questions on to another server, {error}, which is not asked: set "
            "judge.base_url to that one if you trust it",
        )
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Fault(Action.retry, "no answer in time", unreachable=True)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        return Fault(Action.retry, f"no connection ({cause or error})", unreachable=True)
    if isinstance(error, RefusedResponse | UnreadableReply):
        unreadable = isinstance(error, UnreadableReply)
        return Fault(Action.retry, str(error), unreadable=unreadable)
    if isinstance(error, ValueError | RecursionError):
        name = type(error).__name__
        return Fault(Action.retry, f"a response that cannot be read ({name}: {error})")
    return Fault(Action.retry, f"{type(error).__name__}: {error}")


def _of_status(error: openai.APIStatusError) -> Fault:
    status = error.status_code
    reason = f"HTTP {status}: {error.message}"
    if {str(error.code), str(error.type)} & _NO_MONEY:
        return Fault(Action.stop, f"the quota is exhausted ({reason})")
    if status in _REFUSED:
        return Fault(Action.stop, f"{_REFUSED[status]} ({reason})")
    if status in _PASSING or status >= 500:
        headers = error.response.headers
        return Fault(Action.retry, reason, _seconds(headers.get("retry-after")))
    return Fault(Action.unjudged, reason)


def _seconds(retry_after: str | None) -> float:
    """Seconds to wait by a Retry-After header, a number or a date; 0 if it is neither."""
    if retry_after is None:
        return 0.0
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(retry_after)
        left = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    except (ValueError, OverflowError):  # not a date, or one in the year 9999999
        return 0.0
    return max(0.0, left.total_seconds())
