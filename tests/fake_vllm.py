"""A vLLM server on this machine that is none: its completions are those of a tiny model here."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image, ImageChops

from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling

Change = Callable[[dict[str, Any]], Any]


class FakeVLLM:
    """Answers the prompts of ``adapter`` that it knows, in vLLM's protocol."""

    def __init__(self, adapter, prompts=()) -> None:
        self.adapter, self.sampler = adapter, Sampler(adapter)
        self.prompts = {
            tuple(adapter.with_one_placeholder(p.input_ids.tolist())): p for p in prompts
        }
        self.version = "default"
        self.posted: list[tuple[str, dict[str, Any] | None]] = []
        self.change: Change = lambda answer: answer  # of an answer to GENERATE
        self.refused: dict[str, int] = {}  # path -> status
        self.hangs = 0.0  # seconds before an answer
        self.logp = -0.5
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.say({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.split("?")[0]
                asked = json.loads(body) if body else None
                fake.posted.append((path, asked))
                if path in fake.refused:
                    self.say({"error": {"message": "no\nsuch thing"}}, fake.refused[path])
                    return
                time.sleep(fake.hangs)
                self.say(fake.answer(path, asked))

            def say(self, answer: Any, status: int = 200) -> None:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def paths(self) -> list[str]:
        return [path for path, _ in self.posted]

    def answer(self, path: str, asked: Any) -> Any:
        if path == "/finish_weight_update":
            self.version = asked["weight_version"]
        return self.completed(asked) if path == "/inference/v1/generate" else {}

    def completed(self, asked: dict[str, Any]) -> Any:
        prompt, wanted = self.prompts[tuple(asked["token_ids"])], asked["sampling_params"]
        picture = base64.b64decode(asked["content_parts"][0]["url"].partition(",")[2])
        sent = Image.open(io.BytesIO(picture))
        assert ImageChops.difference(sent, prompt.image).getbbox() is None
        assert set(wanted["logit_bias"]) == {str(i) for i in self.adapter.forbidden_ids.tolist()}
        fields = ("temperature", "top_p", "top_k")
        sampling = Sampling(
            **{name: wanted[name] for name in fields}, max_new_tokens=wanted["max_tokens"]
        )
        with self._lock:
            ((said,),) = self.sampler.sample([prompt], [[wanted["seed"]]], sampling)
        return self.change(
            {
                "prompt_token_ids": prompt.input_ids.tolist(),
                "choices": [
                    {
                        "token_ids": list(said.token_ids),
                        "logprobs": {"content": [{"logprob": self.logp}] * len(said.token_ids)},
                        "finish_reason": "length" if said.truncated else "stop",
                        "weight_versions": [
                            {"version": self.version, "start": 0, "end": len(said.token_ids)}
                        ],
                    }
                ],
            }
        )
