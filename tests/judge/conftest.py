"""A judge that asks the chat service on loopback."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from chat_service import ChatService

from grit.judge.service import Service, ServiceJudge


@pytest.fixture
def judge_of(chat: ChatService) -> Callable[..., ServiceJudge]:
    """A judge that asks ``chat``; keywords change its service or itself."""

    def make(**changes: Any) -> ServiceJudge:
        service = Service(
            model="m",
            base_url=f"{chat.url}/v1",
            attempts=3,
            timeout=20.0,  # a busy machine is no fault of the service
            total_timeout=60.0,
            backoff=0.01,
        )
        of_service = {name: changes.pop(name) for name in list(changes) if hasattr(service, name)}
        return ServiceJudge(replace(service, **of_service), **changes)

    return make
