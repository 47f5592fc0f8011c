"""Small files by HTTP: redirects followed, passing faults retried, sizes and times bounded."""

import ipaddress
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import httpx2

from grit.core.background import in_background
from grit.data.preparation.pictures import Unusable

Found = TypeVar("Found")

_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_FIRST_WAIT = 0.5  # seconds; doubled at every further attempt
_LONGEST_WAIT = 30.0
_HOST_GIVEN_UP = 4  # attempts in a row at which a host did not answer at all
_NOT_THERE = "not there (404)"


class _Passing(Exception):
    """A fault that another attempt may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Downloads:
    """Gets files from image hosts; one for all threads.

    A host that does not answer several times in a row is given up, so that a machine without a
    network does not try thousands of names one after another. A public host is not followed to a
    private address, where it could make this machine ask services that trust it.

    Args:
        attempts: at a file.
        timeout: seconds that a host may be silent.
        total_timeout: seconds of a file in all, however slowly it comes; None: no bound.
        connections: how many at a time.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        *,
        attempts: int,
        timeout: float,
        total_timeout: float | None = None,
        connections: int = 16,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._attempts = attempts
        self._total_timeout = total_timeout
        self._sleep = sleep
        self._silent: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._client = httpx2.Client(
            timeout=timeout,
            follow_redirects=True,
            max_redirects=5,
            limits=httpx2.Limits(max_connections=connections),
            event_hooks={"response": [_refuse_private]},
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(
        self, urls: Sequence[str], *, limit: int, understand: Callable[[bytes], Found]
    ) -> tuple[bytes, Found]:
        """The content of the first of ``urls`` that has it, and what ``understand`` makes of it.

        Args:
            urls: where the file may lie.
            limit: bytes that it may have.
            understand: raises Unusable for content that is not what was asked for.

        Raises:
            Unusable: none of them has it; the text is the most telling reason.
        """
        reasons = []
        for url in urls:
            try:
                content = self._in_time(url, limit)
                return content, understand(content)
            except Unusable as error:
                reasons.append(str(error))
        telling = [reason for reason in reasons if reason != _NOT_THERE]
        raise Unusable(telling[0] if telling else _NOT_THERE)

    def _in_time(self, url: str, limit: int) -> bytes:
        """In a thread that is left behind when time is up: a host may send a header for hours."""
        late = threading.Event()
        found = in_background(lambda: self._patiently(url, limit, late))
        try:
            return found.result(self._total_timeout)
        except TimeoutError as error:
            raise Unusable(f"not here within {self._total_timeout:g} s") from error
        finally:
            late.set()

    def _patiently(self, url: str, limit: int, late: threading.Event) -> bytes:
        for attempt in range(self._attempts):
            try:
                return self._once(url, limit, late)
            except _Passing as error:
                last = str(error)
                if attempt + 1 < self._attempts and not late.is_set():
                    wait = error.wait if error.wait is not None else _FIRST_WAIT * 2**attempt
                    self._sleep(min(wait, _LONGEST_WAIT))
        raise Unusable(last)

    def _once(self, url: str, limit: int, late: threading.Event) -> bytes:
        host = httpx2.URL(url).host
        if self._silent[host] >= _HOST_GIVEN_UP:
            raise Unusable(f"{host} does not answer")
        try:
            with self._client.stream("GET", url) as response:
                self._heard(host)
                _check_status(response)
                return _read(response, limit, late)
        except (httpx2.ConnectError, httpx2.ProxyError, httpx2.TimeoutException) as error:
            with self._lock:
                self._silent[host] += 1
            raise _Passing(f"{host} does not answer") from error
        except httpx2.TooManyRedirects as error:
            raise Unusable("too many redirects") from error
        except httpx2.TransportError as error:
            raise _Passing("the connection was cut") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unusable(f"no valid answer ({type(error).__name__})") from error

    def _heard(self, host: str) -> None:
        with self._lock:
            self._silent[host] = 0


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == 404:
        raise Unusable(_NOT_THERE)
    if status in _PASSING:
        after = response.headers.get("Retry-After", "")
        raise _Passing(f"the host answers {status}", float(after) if after.isdecimal() else None)
    if status != 200:
        raise Unusable(f"the host answers {status}")


def _refuse_private(response: httpx2.Response) -> None:
    """Raise Unusable where a public host sends us to an address of this machine's own network."""
    if response.has_redirect_location:
        there = response.url.join(response.headers["Location"]).host
        if _is_private(there) and not _is_private(response.url.host):
            raise Unusable(f"{response.url.host} redirects to {there}, a private address")


@lru_cache(maxsize=1024)
def _is_private(host: str) -> bool:
    """Whether a name leads to an address that is not public; one that leads nowhere does not."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return any(
        not ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found
    )


def _read(response: httpx2.Response, limit: int, late: threading.Event) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        if late.is_set():
            raise Unusable("not wanted any more")
        content += chunk
        if len(content) > limit:
            raise Unusable(f"larger than {limit >> 20} MiB")
    return bytes(content)
