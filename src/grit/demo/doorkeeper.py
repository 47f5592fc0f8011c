"""What the demo's server lets in: the requests of its own page, in size and in time.

The page needs a handful of paths. A library's many others, such as those that serve files, proxy
addresses, or take uploads to disk, are not reached: they answer 404 whatever is behind them.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UPLOAD = "/picture"
SCENES = 1_000_000  # seeds of scenes that are let in: six digits
_DOORS = {
    "GET": re.compile(r"/|/scene/\d{1,6}|/gradio_api/queue/data"),
    "POST": re.compile(rf"{UPLOAD}|/gradio_api/call/(ask|look)_\d"),
}
_WORDS = 64 * 1024  # bytes of a request that is no upload
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Refused(Exception):
    """A request that is not let in.

    Args:
        code: the answer's status.
        problem: in words for the visitor.
    """

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class Doorkeeper:
    """ASGI middleware: whole requests only, on known paths, of a bounded size, in bounded time."""

    def __init__(self, app: App, *, max_upload_mb: int, time_limit_s: float) -> None:
        self.app = app
        self.max_upload_mb, self.time_limit_s = max_upload_mb, time_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app behind do it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                body = await self._let_in(scope, receive)
            except Refused as refused:
                await _refuse(refused, send)
                return
            await self.app(scope, _replayed(body, receive), _with_headers(send))
        else:  # a websocket: there is none here
            await send({"type": "websocket.close", "code": 1008})

    async def _let_in(self, scope: Scope, receive: Receive) -> bytes:
        door = _DOORS.get(scope["method"])
        if door is None or not door.fullmatch(scope["path"]):
            raise Refused(404, "There is nothing here.")
        if not _from_here(scope):
            raise Refused(403, "Another site's page may not ask.")
        is_upload = scope["path"] == UPLOAD
        limit = self.max_upload_mb * 1_000_000 if is_upload else _WORDS
        try:
            async with asyncio.timeout(self.time_limit_s):
                return await _body(receive, limit)
        except TimeoutError:
            raise Refused(408, f"It took longer than {self.time_limit_s:g} s to arrive.") from None


def _from_here(scope: Scope) -> bool:
    """Whether a request comes from the demo's own page, or from no page at all."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    host: bytes = headers.get(b"host", b"")
    return origin is None or urlsplit(origin.decode("latin-1")).netloc == host.decode("latin-1")


async def _body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "It ended too early.")
        body += message.get("body", b"")
        if len(body) > limit:
            size = f"{limit / 1_000_000:g} MB" if limit > _WORDS else f"{limit:,} bytes"
            raise Refused(413, f"It is larger than {size}.")
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A request's body in one message, then what comes after it: that the visitor has left."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(refused: Refused, send: Send) -> None:
    from fastapi.responses import JSONResponse

    response = JSONResponse({"problem": str(refused)}, refused.code, {"connection": "close"})
    await response({"type": "http"}, _nothing, _with_headers(send))


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_HEADERS]}
        await send(message)

    return sent
