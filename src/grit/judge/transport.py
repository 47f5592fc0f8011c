"""An HTTP client that limits the size of responses and does not leave the configured server.

The service is not trusted: a response could fill the memory (gigabytes, or kilobytes that unpack
to gigabytes), and a redirect could send the questions to another server.
"""

from typing import Any

import httpx2
import openai

LONGEST = 2**20
"""Maximum bytes of a response; a judge's has some hundreds, or with reasoning ten thousands."""

_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}


class RefusedResponse(Exception):
    """A response that is not read to its end; the message says why."""


class AnotherServer(Exception):
    """A redirect to another server, which is not followed; the message is its address."""


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """Asks for uncompressed responses, counts bytes while reading, and stays on its server.

    It follows redirects within one scheme, host and port, and from http to https of one host.
    """

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """The response, read to its end even with ``stream=True``.

        Raises:
            RefusedResponse: it is compressed or too long, or there are too many redirects or one
                to an invalid address.
            AnotherServer: it is a redirect to another server.
        """
        options["follow_redirects"] = False  # the library would follow them to any server
        for _ in range(_REDIRECTS + 1):
            request.headers["Accept-Encoding"] = "identity"
            response = await super().send(request, stream=True, **options)
            try:
                body = await _body(response)
            finally:
                await response.aclose()
            if not response.has_redirect_location:
                return httpx2.Response(
                    response.status_code, headers=response.headers, content=body, request=request
                )
            onward = response.next_request
            if onward is None:
                raise RefusedResponse("a redirect to what is no address")
            if not _same_server(request.url, onward.url):
                raise AnotherServer(f"{onward.url.scheme}://{onward.url.netloc.decode()}")
            request = onward
        raise RefusedResponse(f"more than {_REDIRECTS} redirects")


async def _body(response: httpx2.Response) -> bytes:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RefusedResponse(f"a response in an encoding that nobody asked for ({encoding:.40})")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > LONGEST:
            raise RefusedResponse(f"a response of more than {LONGEST:,} bytes")
    return bytes(body)


def _same_server(url: httpx2.URL, other: httpx2.URL) -> bool:
    ports = [one.port or _PORTS.get(one.scheme) for one in (url, other)]
    schemes = [one.scheme for one in (url, other)]
    kept = schemes[0] == schemes[1] and ports[0] == ports[1]
    secured = schemes == ["http", "https"] and ports == [80, 443]
    return url.host == other.host and (kept or secured)
