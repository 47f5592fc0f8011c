"""A client of one vLLM server: token ids in, token ids and log-probabilities out; new weights.

The server is vLLM's, in the version of tests/vllm_servers/overlay.txt, with its development
endpoints (``VLLM_SERVER_DEV_MODE=1``) and ``--enable-scale-out``. Every failure is an
``EngineFailed`` that names the server.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from grit.core.errors import Resumable
from grit.core.keys import tidied
from grit.core.secrets import excerpt

KEY = "VLLM_API_KEY"
"""The environment's name of the server's key, vLLM's own; sent if it is set."""
GENERATE = "/inference/v1/generate"
AT_ONCE = 256  # requests that wait for a server at a time; it batches what fits
BROKEN = "broken"  # the version of weights that were not loaded to their end
_TO_END = 30.0  # seconds that a server may take to end a failed update
_KEPT = 2.0  # seconds of an idle connection; vLLM closes them after 5, maybe as a request begins
_SHOWN = 300  # characters of a server's message


class EngineFailed(Resumable):
    """An engine that does not answer, or answers what cannot be: the run may go on later."""


class VLLMServer:
    """One server.

    Args:
        url: its address, such as ``http://127.0.0.1:8000``.
        timeout: seconds that an answer may take.

    Raises:
        GritError: the key of the environment is none.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        self._client = httpx2.Client(**self._options())

    def session(self) -> httpx2.AsyncClient:
        """A client for many calls of ``generate`` at a time, used as a context."""
        return httpx2.AsyncClient(**self._options())

    async def generate(self, session: httpx2.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request of ``GENERATE``, of vLLM's token-in-token-out protocol."""
        try:
            return self._read(await session.post(GENERATE, json=body))
        except httpx2.HTTPError as error:
            raise self.failed(self._said(error)) from error

    def is_up(self) -> bool:
        """Whether the server answers that it is ready."""
        try:
            return self._client.get("/health").is_success
        except httpx2.HTTPError:
            return False

    def load_adapter(self, name: str, folder: Path, former: str | None) -> None:
        """Load the LoRA adapter of a PEFT folder by a name it never had; forget ``former``.

        A known name would silently keep its old weights (vLLM 0.32).
        """
        self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
        if former is not None:
            self.unload_adapter(former)

    def unload_adapter(self, name: str, timeout: float | None = None) -> None:
        """Forget the LoRA adapter of a name; the answer may take ``timeout`` seconds."""
        self._post("/v1/unload_lora_adapter", {"lora_name": name}, timeout)

    def load_weights(self, file: Path, version: str) -> None:
        """Replace all weights by those of a safetensors file that the server can read.

        Requests under way end before, and the caches of prefixes and images are cleared: a stale
        prefix changes log-probabilities by up to 0.95. Completions then carry ``version``.
        """
        self._post("/pause?mode=wait")
        try:
            self._post("/start_weight_update")
            self._post("/update_weights", {"update_info": {"path": str(file)}})
            self._post("/finish_weight_update", {"weight_version": version})
        except BaseException:  # also a step that is given up: the server may be another run's next
            self._end_update()
            raise
        self._post("/resume")

    def _end_update(self) -> None:
        """End an update that failed, as far as the server lets it; nothing takes these weights."""
        for path, body in (
            ("/finish_weight_update", {"weight_version": BROKEN}),
            ("/resume", None),
        ):
            with suppress(EngineFailed):  # the first failure is the one to report
                self._post(path, body, timeout=_TO_END)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def failed(self, what: str) -> EngineFailed:
        """The error that says ``what`` of this server."""
        return EngineFailed(f"rollout=vllm: the server {self.url} {what}")

    def _options(self) -> dict[str, Any]:
        limits = httpx2.Limits(
            max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=_KEPT
        )
        key = tidied(KEY, os.environ.get(KEY, ""))  # also where the suite is used as a library
        return {
            "base_url": self.url,
            "timeout": self.timeout,
            "limits": limits,
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "trust_env": False,  # a proxy for the internet knows nothing of it
        }

    def _post(
        self, path: str, body: dict[str, Any] | None = None, timeout: float | None = None
    ) -> None:
        try:
            response = self._client.post(path, json=body, timeout=timeout or self.timeout)
        except httpx2.HTTPError as error:
            raise self.failed(self._said(error)) from error
        if not response.is_success:
            raise self.failed(_refusal(response, path))

    def _read(self, response: httpx2.Response) -> dict[str, Any]:
        if not response.is_success:
            raise self.failed(_refusal(response, GENERATE))
        try:
            answer = response.json()
        except ValueError as error:
            raise self.failed(f"answers no JSON: {excerpt(response.text, _SHOWN)}") from error
        if not isinstance(answer, dict):
            raise self.failed(f"answers no object: {excerpt(response.text, _SHOWN)}")
        return answer

    def _said(self, error: httpx2.HTTPError) -> str:
        if isinstance(error, httpx2.TimeoutException):
            return f"has not answered for {self.timeout:g} s (rollout.timeout)"
        return f"does not answer any more: {excerpt(str(error) or type(error).__name__, _SHOWN)}"


def _refusal(response: httpx2.Response, path: str) -> str:
    return f"answers {response.status_code} to {path}: {excerpt(response.text, _SHOWN)}"
