"""A chat service on loopback that answers, or plays a fault: a real HTTP server in this process."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_MARKED = re.compile(r"<answer-(\w+)>(.*?)</answer-\1>", re.DOTALL)
Play = Callable[["_Handler"], None]  # writes one response, or does not


class Request(NamedTuple):
    """What was asked."""

    path: str
    headers: dict[str, str]
    body: Any  # of JSON; of a file that is put, its bytes

    @property
    def text(self) -> str:
        """The user's message."""
        return self.body["messages"][0]["content"]

    @property
    def answer(self) -> str:
        """The predicted answer that a message asks about, between its marks."""
        return _MARKED.findall(self.text)[0][1]


class ChatService:
    """Plays ``plays`` one after the other, then ``default`` for ever; notes what it was asked."""

    def __init__(self) -> None:
        self.default: Play = says("{score: 1}")
        self.plays: list[Play] = []
        self.requests: list[Request] = []
        self.flooded = 0  # megabytes of `floods` that somebody took
        self.at_once = 0  # the most requests that were under way at a time
        self.closing = threading.Event()
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, handler: "_Handler", request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._under_way += 1
            self.at_once = max(self.at_once, self._under_way)
            play = self.plays.pop(0) if self.plays else self.default
        try:
            play(handler)
        finally:
            with self._lock:
                self._under_way -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    service: ChatService

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    asked: Request

    def do_POST(self) -> None:
        self._take(json.loads(self._body()))

    def do_PUT(self) -> None:
        self._take(self._body())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _take(self, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Request(self.path, headers, body)
        self.server.service.handle(self, self.asked)

    def send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.begin(status, len(body), kind, **headers)
        self.wfile.write(body)

    def begin(self, status: int, length: int, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def completion(text: str | None, **message: Any) -> dict[str, Any]:
    """The JSON of a chat completion."""
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def sends(status: int, body: Any, kind: str = "application/json", **headers: str) -> Play:
    """A response; a ``body`` that is neither text nor bytes becomes JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    raw = text.encode() if isinstance(text, str) else text
    return lambda handler: handler.send(status, raw, kind, **headers)


def says(text: str | None, **message: Any) -> Play:
    """A reply of the model."""
    return sends(200, completion(text, **message))


def fails(status: int, code: str = "some_code", message: str = "no", **headers: str) -> Play:
    """An error as OpenAI writes it."""
    return sends(status, {"error": {"message": message, "code": code, "type": code}}, **headers)


def redirects(address: str, status: int = 307) -> Play:
    """Sends whoever asks on to another address."""
    return sends(status, "", Location=address)


def floods(handler: _Handler) -> None:
    """A hundred megabytes of a reply, as fast as they are taken."""
    handler.begin(200, 100 * 2**20, "application/json")
    for _ in range(100):
        handler.wfile.write(b" " * 2**20)
        handler.server.service.flooded += 1


def is_silent(handler: _Handler) -> None:
    """Takes the request and never answers."""
    handler.server.service.closing.wait()
    handler.hang_up()


def drips(handler: _Handler) -> None:
    """A byte now and then: no read ever times out."""
    handler.begin(200, 10_000, "application/json")
    while not handler.server.service.closing.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.hang_up()


def hangs_up(handler: _Handler) -> None:
    """Closes the connection without a word."""
    handler.hang_up()


def dies(handler: _Handler) -> None:
    """Closes the connection in the middle of its response."""
    handler.begin(200, 10_000, "application/json")
    handler.wfile.write(json.dumps(completion("{score: 1}")).encode())
    handler.hang_up()
