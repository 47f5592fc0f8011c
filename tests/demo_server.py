"""A demo that is served on loopback, and requests to it."""

import http.client
import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from grit.inference.grounded_model import GroundedModel


@dataclass
class Demo:
    """A demo that is served, and its one model."""

    port: int
    model: GroundedModel

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with closing(connection):
            yield connection

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and content; the path is sent as it is written, dots and all."""
        with self.connection() as connection:
            connection.putrequest("GET", path, skip_accept_encoding=True)
            connection.endheaders()
            with connection.getresponse() as answer:
                return answer.status, answer.read()

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of what a request with a body is answered."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.connection() as connection:
            connection.request(
                "POST", path, content, {"Content-Type": "application/json", **headers}
            )
            return read(connection)

    def scene(self, seed: int = 0) -> dict[str, Any]:
        return json.loads(self.get(f"/scene/{seed}")[1])

    def call(self, name: str, *data: Any, session: str) -> Iterator[dict[str, Any]]:
        """What a function of the demo gives, part by part; closing it leaves the page."""
        status, answer = self.post(
            f"/gradio_api/call/{name}", {"data": data, "session_hash": session}
        )
        assert status == 200, answer
        with self.connection() as connection:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={session}")
            with connection.getresponse() as events:
                yield from _parts(events)


def read(connection: http.client.HTTPConnection) -> tuple[int, dict[str, Any]]:
    """Status and JSON of what was asked over a connection."""
    with connection.getresponse() as answer:
        return answer.status, json.loads(answer.read())


def _parts(events: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in events:
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line.removeprefix(b"data: "))
        if event["msg"] in ("process_generating", "process_completed"):
            assert event["success"], event
            yield from event["output"]["data"]
        if event["msg"] == "process_completed":
            return
