"""A Hugging Face Hub on this machine that models can be uploaded to."""

import base64
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import yaml
from loopback import COMMIT, Loopback, content

TOKEN = "hf_madeupfortests0123456789"


class UploadHub:
    """Takes uploads to any repository; ``files`` has what was committed, by repository and path."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.files: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self._stored: dict[str, bytes] = {}  # large files by their hash
        server.put("/api/whoami-v2", self._only_with_token({"name": "me", "type": "user"}))
        server.put("/api/repos/create", self._create)
        server.put("/api/validate-yaml", self._validate)

    def expect(self, name: str) -> None:
        """Answer the requests of an upload to ``name``."""
        self.server.put(f"/api/models/{name}/preupload/main", self._modes)
        self.server.put(f"/{name}.git/info/lfs/objects/batch", self._batch)
        self.server.put(f"/api/models/{name}/commit/main", lambda r: self._commit(name, r))
        self.server.put(f"/api/models/{name}/tree/main", lambda r: self._tree(name, r))
        info = {"id": name, "sha": COMMIT, "private": True, "tags": [], "siblings": []}
        for place in ("", "/revision/main"):
            self.server.put(f"/api/models/{name}{place}", content(json.dumps(info).encode()))

    def _only_with_token(self, answer: dict) -> Callable[[BaseHTTPRequestHandler], None]:
        def reply(request: BaseHTTPRequestHandler) -> None:
            known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
            body = json.dumps(answer if known else {"error": "Invalid username or password."})
            content(body.encode(), {"Content-Type": "application/json"}, 200 if known else 401)(
                request
            )

        return reply

    def _create(self, request: BaseHTTPRequestHandler) -> None:
        asked = json.loads(body_of(request))
        name = f"{asked['organization']}/{asked['name']}"
        self.private[name] = asked.get("visibility") == "private"
        _json(request, {"url": f"{self.server.url}/{name}", "name": name})

    def _validate(self, request: BaseHTTPRequestHandler) -> None:
        """Take the head of a model card if it is YAML of an object, or if there is none."""
        card = json.loads(body_of(request))["content"]
        if card.startswith("---\n"):
            head = yaml.safe_load(card.split("---\n")[1])
            assert isinstance(head, dict)
        _json(request, {"errors": [], "warnings": []})

    def _modes(self, request: BaseHTTPRequestHandler) -> None:
        files = json.loads(body_of(request))["files"]
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for file in files
        ]
        _json(request, {"files": modes})

    def _batch(self, request: BaseHTTPRequestHandler) -> None:
        objects = []
        for each in json.loads(body_of(request))["objects"]:
            path = f"/store/{each['oid']}"
            self.server.put(path, self._store)
            action = {"upload": {"href": self.server.url + path, "header": {}}}
            objects.append({**each, "authenticated": True, "actions": action})
        _json(request, {"transfer": "basic", "objects": objects})

    def _store(self, request: BaseHTTPRequestHandler) -> None:
        self._stored[request.path.rpartition("/")[2]] = body_of(request)
        _json(request, {})

    def _tree(self, name: str, request: BaseHTTPRequestHandler) -> None:
        files = self.files.get(name, {}).items()
        _json(
            request,
            [{"type": "file", "path": path, "size": len(data), "oid": "0"} for path, data in files],
        )

    def _commit(self, name: str, request: BaseHTTPRequestHandler) -> None:
        files = self.files.setdefault(name, {})
        for line in body_of(request).splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self._stored[value["oid"]]
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        url = f"{self.server.url}/{name}/commit/{COMMIT}"
        _json(request, {"commitUrl": url, "commitOid": COMMIT, "success": True})


def body_of(request: BaseHTTPRequestHandler) -> bytes:
    """The body, also of a request that comes in chunks."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", 0)))
    parts = []
    while size := int(request.rfile.readline().split(b";")[0], 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


def _json(request: BaseHTTPRequestHandler, value: dict | list) -> None:
    body = json.dumps(value).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
