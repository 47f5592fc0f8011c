"""A client of OpenAI-compatible chat services, with its own retries and time limits.

The openai library's retries are disabled: it waits up to 120 s if a service asks for that, applies
its timeout to each read instead of the whole call, and retries when the quota is exhausted. Here
every call and every question has a limit in seconds.
"""

import asyncio
import json
import logging
import os
import random
import re
import time
from collections.abc import Callable
from typing import Any

import httpx2
import openai

from grit.core.errors import GritError
from grit.core.keys import tidied
from grit.judge.faults import Action, Fault, fault_of
from grit.judge.prompt import Content
from grit.judge.reply import UnreadableReply, text_of, tokens_of
from grit.judge.settings import ServiceJudgeSettings, check_address
from grit.judge.transport import BoundedClient
from grit.judge.usage import NOTHING, Usage, cost_of

# These libraries log a line for every call.
for _name in ("openai", "httpx", "httpx2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_PROBES = 2  # a model's reply may be unreadable once
_LONGEST_WAIT = 30.0  # seconds between attempts, unless the service asks for more
_JITTER = random.Random()  # a separate RNG: retries must not advance the global one


def key_of(service: ServiceJudgeSettings) -> str | None:
    """The service's API key; not stored in any object, so that it is not written to a file.

    Raises:
        GritError: the environment variable does not hold a valid key.
    """
    return tidied(service.key_name, os.environ.get(service.key_name, "")) or None


def check_service(service: ServiceJudgeSettings) -> None:
    """Raise GritError for an invalid address, an invalid key or a missing key."""
    check_address(service.base_url)
    try:
        httpx2.URL(service.base_url)
    except httpx2.InvalidURL as error:  # other invalid host names
        raise GritError(f"config: judge.base_url: {error}") from error
    public = re.match(r"https://[^/]*\.?(openai|azure)\.com(/|:|$)", service.base_url)
    if key_of(service) is None and (public or service.azure_api_version):
        raise GritError(
            f"judge: {service.base_url} needs a key in the environment variable "
            f"{service.key_name}; set it, or judge.base_url to a service without one, or use "
            "judge=rules"
        )


class Unjudged(Exception):
    """A question got no answer; the message says why."""


class Stopped(Exception):
    """The service refuses all questions until the user fixes what the message says."""


class Client:
    """Asks questions and counts usage; belongs to one event loop. Close it with ``async with``."""

    def __init__(self, service: ServiceJudgeSettings) -> None:
        self.service = service
        self.usage = NOTHING
        settings: dict[str, Any] = {
            "max_retries": 0,
            "timeout": service.timeout,
            "api_key": key_of(service) or "none",  # the library requires one
            "http_client": BoundedClient(),
        }
        self._client: openai.AsyncOpenAI
        if service.azure_api_version is None:
            self._client = openai.AsyncOpenAI(base_url=service.base_url, **settings)
        else:
            self._client = openai.AsyncAzureOpenAI(
                azure_endpoint=service.base_url, api_version=service.azure_api_version, **settings
            )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, content: Content, read: Callable[[str], float]) -> float:
        """Ask a question until ``read`` understands the reply.

        Args:
            content: of the user message.
            read: reply -> score; raises UnreadableReply for a reply that it does not understand.

        Returns:
            The score that ``read`` returns.

        Raises:
            Unjudged: all attempts failed, the time is up, or the service refuses this question.
            Stopped: the service refuses all questions.
        """
        end = time.monotonic() + self.service.total_timeout
        fault: Fault | None = None
        for attempt in range(self.service.attempts):
            left = end - time.monotonic()
            if fault is not None:
                wait = self._wait(attempt, fault)
                if wait >= left:
                    break  # no time would be left for the attempt
                await asyncio.sleep(wait)
                left -= wait
            reply = await self._read(content, read, min(left, self.service.timeout))
            if not isinstance(reply, Fault):
                return reply
            fault = reply
            if fault.action is Action.stop:
                raise Stopped(fault.reason)
            if fault.action is Action.unjudged:
                raise Unjudged(fault.reason)
        assert fault is not None
        raise Unjudged(fault.reason)

    async def probe(self, content: Content, read: Callable[[str], float]) -> str | None:
        """Ask a question that no service should refuse; twice if the reply cannot be read.

        Returns:
            Why the service cannot be used; None if it replies, or has a fault that may pass.
        """
        reason = None
        for _ in range(_PROBES):
            reply = await self._read(content, read, self.service.timeout)
            if not isinstance(reply, Fault):
                return None
            # A refusal of a harmless question (HTTP 400) means that all would be refused.
            if reply.unreachable or reply.action is not Action.retry:
                return reply.reason
            if not reply.unreadable:
                return None
            reason = reply.reason
        return reason

    async def _read(
        self, content: Content, read: Callable[[str], float], seconds: float
    ) -> float | Fault:
        """Make one call; return what ``read`` finds in the reply, or the fault."""
        try:
            completion = await self._completion(content, seconds)
        except Exception as error:  # noqa: BLE001  # libraries raise anything on bad responses
            return fault_of(error)
        self._count(completion)
        try:
            return read(text_of(completion))
        except UnreadableReply as error:  # anything else is a bug in our code
            return fault_of(error)

    def _wait(self, attempt: int, fault: Fault) -> float:
        """Seconds before the next attempt: Retry-After or our backoff, whichever is longer."""
        ours = min(self.service.backoff * 2 ** (attempt - 1), _LONGEST_WAIT)
        return max(fault.wait, ours * _JITTER.uniform(0.5, 1.0))

    async def _completion(self, content: Content, seconds: float) -> Any:
        """Make one call; return its response's JSON, which may be anything."""
        options: dict[str, Any] = {
            "temperature": self.service.temperature,
            "max_tokens": self.service.max_tokens,
        }
        messages: Any = [{"role": "user", "content": content}]
        given = {name: value for name, value in options.items() if value is not None}
        start = time.perf_counter()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                response = await self._client.chat.completions.with_raw_response.create(
                    model=self.service.model, messages=messages, **given
                )
            return json.loads(response.content)
        finally:
            self.usage += Usage(calls=1, seconds=time.perf_counter() - start)

    def _count(self, completion: Any) -> None:
        """Add a reply's tokens and cost; the cost is unknown (None) without valid counts."""
        tokens = tokens_of(completion)
        price = (self.service.prices or {}).get(self.service.model)
        asked, said = tokens or (0, 0)
        cost = None if tokens is None else cost_of(price, asked, said)
        self.usage += Usage(prompt_tokens=asked, completion_tokens=said, cost=cost)
