"""Downloading small files by HTTP: with redirects, retries, and limits of size and time."""

import ipaddress
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import httpx2

from grit.core.background import in_background
from grit.data.pictures import Unusable
from grit.data.preparation.settings import PreparationSettings

_TEMPORARY = frozenset((408, 425, 429, 500, 502, 503, 504))
_FIRST_WAIT = 0.5  # seconds; doubled at every further attempt
_LONGEST_WAIT = 30.0
_MAX_SILENT = 2  # files in a row without an answer at any attempt, after which a host is given up
_NOT_THERE = "not there (404)"


class _Temporary(Exception):
    """An error after which another attempt may succeed."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Silent(_Temporary):
    """The host did not answer."""


class Downloads:
    """An HTTP client for files of image hosts, which all threads share.

    A host that does not answer at any attempt at a file, for two files in a row, is given up, so
    that a machine without a network does not try thousands of files. Redirects of a public host to
    a private address are refused: they could make this machine send requests to services that
    trust it.

    Args:
        settings: attempts and seconds per file, and how many files at a time.
        sleep: waits between attempts; tests replace it.
    """

    def __init__(
        self, settings: PreparationSettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._silent: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._client = httpx2.Client(
            timeout=settings.timeout,
            follow_redirects=True,
            max_redirects=5,
            limits=httpx2.Limits(max_connections=settings.workers),
            event_hooks={"response": [_refuse_private]},
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, urls: Sequence[str], *, limit: int, check: Callable[[bytes], object]) -> bytes:
        """The content from the first of ``urls`` that has it.

        Args:
            urls: addresses of the same file.
            limit: largest size in bytes.
            check: raises Unusable for content that is not the expected file.

        Raises:
            Unusable: no address has it; the text is the first reason other than 404.
        """
        reasons = []
        for url in urls:
            try:
                content = self._with_timeout(url, limit)
                check(content)
                return content
            except Unusable as error:
                reasons.append(str(error))
        raise Unusable(next((reason for reason in reasons if reason != _NOT_THERE), _NOT_THERE))

    def _with_timeout(self, url: str, limit: int) -> bytes:
        """Download in a thread that is abandoned at the timeout: a header may take hours."""
        stop = threading.Event()
        download = in_background(lambda: self._with_retries(url, limit, stop))
        try:
            return download.result(self._settings.total_timeout)
        except TimeoutError as error:
            raise Unusable(f"not here within {self._settings.total_timeout:g} s") from error
        finally:
            stop.set()

    def _with_retries(self, url: str, limit: int, stop: threading.Event) -> bytes:
        try:
            host = httpx2.URL(url).host
        except httpx2.InvalidURL as error:
            raise Unusable(f"{url!r} is no address") from error
        attempts, unanswered = self._settings.attempts, 0
        for attempt in range(attempts):
            try:
                return self._attempt(url, host, limit, stop)
            except _Temporary as error:
                reason = str(error)
                unanswered += isinstance(error, _Silent)
                if attempt + 1 < attempts and not stop.is_set():
                    wait = error.wait if error.wait is not None else _FIRST_WAIT * 2**attempt
                    self._sleep(min(wait, _LONGEST_WAIT))
        if unanswered == attempts:  # not at each: one hiccup fails in all threads at once
            with self._lock:
                self._silent[host] += 1
        raise Unusable(reason)

    def _attempt(self, url: str, host: str, limit: int, stop: threading.Event) -> bytes:
        if self._silent[host] >= _MAX_SILENT:
            raise Unusable(f"{host} does not answer")
        try:
            with self._client.stream("GET", url) as response:
                with self._lock:
                    self._silent[host] = 0
                _check_status(response)
                return _read(response, limit, stop)
        except (httpx2.ConnectError, httpx2.ProxyError, httpx2.TimeoutException) as error:
            raise _Silent(f"{host} does not answer") from error
        except httpx2.TooManyRedirects as error:
            raise Unusable("too many redirects") from error
        except httpx2.UnsupportedProtocol as error:  # or a redirect to such an address
            raise Unusable(f"{url} is no http:// or https:// address, or leads to none") from error
        except httpx2.TransportError as error:
            raise _Temporary("the connection was cut") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unusable(f"no valid answer ({type(error).__name__})") from error


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if status == 404:
        raise Unusable(_NOT_THERE)
    if status in _TEMPORARY:
        after = response.headers.get("Retry-After", "")
        raise _Temporary(f"the host answers {status}", float(after) if after.isdecimal() else None)
    if status != 200:
        raise Unusable(f"the host answers {status}")


def _refuse_private(response: httpx2.Response) -> None:
    """Raise Unusable for a redirect from a public host to a private address."""
    if response.has_redirect_location:
        target = response.url.join(response.headers["Location"]).host
        if _is_private(target) and not _is_private(response.url.host):
            raise Unusable(f"{response.url.host} redirects to {target}, a private address")


@lru_cache(maxsize=1024)
def _is_private(host: str) -> bool:
    """Whether a host name resolves to a private address; False if it does not resolve."""
    try:
        resolved = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    addresses = (str(entry[4][0]).partition("%")[0] for entry in resolved)
    return any(not ipaddress.ip_address(address).is_global for address in addresses)


def _read(response: httpx2.Response, limit: int, stop: threading.Event) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        if stop.is_set():
            raise Unusable("not wanted any more")
        content += chunk
        if len(content) > limit:
            raise Unusable(f"larger than {limit >> 20} MiB")
    return bytes(content)
