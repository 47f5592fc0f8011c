"""A judge that asks the chat service on loopback."""

from collections.abc import Callable
from typing import Any

import pytest
from chat_service import ChatService
from services import service

from grit.judge.service import ServiceJudge


@pytest.fixture
def judge_of(chat: ChatService) -> Callable[..., ServiceJudge]:
    """A judge that asks ``chat``; keywords change its service or itself."""

    def make(**changes: Any) -> ServiceJudge:
        patient = {"timeout": 20.0, "total_timeout": 60.0}  # a busy machine is no fault of its
        fields = {"attempts": 3, "backoff": 0.01, "ask_first": False, **patient, **changes}
        return ServiceJudge(service(f"{chat.url}/v1", **fields))

    return make
