"""A web server on this machine for tests: plain files, faults, and a Hugging Face Hub."""

import hashlib
import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

Answer = Callable[[BaseHTTPRequestHandler], None]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Loopback:
    """Answers at ``url`` what was put there; counts what was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._answers: dict[str, Answer] = {}
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if self.command == "GET":
                    loopback.asked[path] += 1
                loopback._answers.get(path, status(404))(self)

            do_HEAD = do_POST = do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, answer: Answer | bytes) -> None:
        """What a path answers: always the same content, or a way to answer."""
        self._answers[path] = content(answer) if isinstance(answer, bytes) else answer

    def put_dataset(
        self, name: str, files: dict[str, bytes], *, checksums: dict[str, str] | None = None
    ) -> None:
        """A data set of the Hub; ``checksums`` are stated instead of the right ones.

        As on the Hub, JSON lines are not in LFS and have Git's checksum.
        """
        siblings = []
        for path, body in files.items():
            entry: dict[str, object] = {"rfilename": path, "size": len(body)}
            of_git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
            entry["blobId"] = (checksums or {}).get(path, of_git)
            if not path.endswith(".jsonl"):
                sha256 = (checksums or {}).get(path, hashlib.sha256(body).hexdigest())
                entry["lfs"] = {"size": len(body), "sha256": sha256, "pointerSize": 1}
            siblings.append(entry)
            headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": COMMIT}
            self.put(f"/datasets/{name}/resolve/main/{path}", content(body, headers))
            self.put(f"/datasets/{name}/resolve/{COMMIT}/{path}", content(body, headers))
        info = {"id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
        kind = {"Content-Type": "application/json"}
        self.put(f"/api/datasets/{name}", content(json.dumps(info).encode(), kind))

    def put_model(
        self,
        name: str,
        folder: Path,
        *,
        commit: str = COMMIT,
        card: dict[str, str] | None = None,
    ) -> None:
        """A model of the Hub with the files of a folder, the large ones as the Hub stores them.

        ``card`` has fields of the head of its model card.
        """
        kind = {"Content-Type": "application/json"}
        tree = []
        for path in sorted(each for each in folder.iterdir() if each.is_file()):
            body = path.read_bytes()
            sha256 = hashlib.sha256(body).hexdigest()
            entry = {"type": "file", "path": path.name, "size": len(body), "oid": sha256[:40]}
            if path.suffix == ".safetensors":
                entry["lfs"] = {"oid": sha256, "size": len(body), "pointerSize": 1}
            tree.append(entry)
            headers = {"ETag": f'"{sha256}"', "X-Repo-Commit": commit}
            for revision in ("main", commit):
                self.put(f"/{name}/resolve/{revision}/{path.name}", content(body, headers))
        info = {"id": name, "sha": commit, "private": False, "tags": [], "siblings": []}
        if card is not None:
            info["cardData"] = card
        answer = content(json.dumps(info).encode(), kind)
        for place in ("", "/revision/main", f"/revision/{commit}"):
            self.put(f"/api/models/{name}{place}", answer)
        listing = content(json.dumps(tree).encode(), kind)
        self.put(f"/api/models/{name}/tree/{commit}", listing)


def content(body: bytes, headers: dict[str, str] | None = None, code: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    return answer


def status(code: int, **headers: str) -> Answer:
    return content(b"", {name.replace("_", "-"): value for name, value in headers.items()}, code)


def cut(body: bytes) -> Answer:
    """Half of the content, and the connection is gone."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: len(body) // 2])
        request.wfile.flush()
        request.close_connection = True

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after another, the last one for ever."""
    rest = list(answers)

    def answer(request: BaseHTTPRequestHandler) -> None:
        (rest.pop(0) if len(rest) > 1 else rest[0])(request)

    return answer


def picture(size: tuple[int, int] = (8, 6), kind: str = "PNG", shade: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (shade % 256, shade // 256, 90)).save(stream, kind)
    return stream.getvalue()
