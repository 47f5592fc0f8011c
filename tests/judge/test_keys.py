"""Keys and addresses as an environment or a file leaves them, against a real server."""

import logging
from collections.abc import Callable
from urllib.parse import quote

import pytest
from chat_service import ChatService, fails, says
from services import service

from grit.core.errors import GritError
from grit.judge.client import check_service
from grit.judge.judge import Query
from grit.judge.service import ServiceJudge

JudgeOf = Callable[..., ServiceJudge]
QUERY = Query("Is the cat left?", "yes", "Yes.")
KEY = "key-of-the-tests-0123456789"


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\t\n"])
@pytest.mark.parametrize("azure", [None, "2024-10-21"])
def test_white_space_at_the_end_of_a_key_is_none_of_it(
    chat: ChatService,
    judge_of: JudgeOf,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    azure: str | None,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY + end)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY + end)
    assert judge_of(azure_api_version=azure).score([QUERY]) == [1.0]
    headers = chat.requests[0].headers
    assert (headers["api-key"] if azure else headers["authorization"].split()[1]) == KEY


@pytest.mark.parametrize(
    "key", ["schlüssel-0123456789", "key\nkey", "a key", "key\x7f", "\udc80ab"]
)
def test_a_key_that_can_be_none_is_one_line(
    judge_of: JudgeOf, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(GritError, match=r"^OPENAI_API_KEY: [^\n]*within the key") as caught:
        judge_of()
    assert key not in str(caught.value)


def test_white_space_alone_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " \n")
    with pytest.raises(GritError, match="needs a key"):
        check_service(service("https://api.openai.com/v1"))


@pytest.mark.parametrize(
    "address",
    [
        "http://host:port/",
        "http://host:99999/",
        "http://[::1",
        "host/v1",
        "ftp://host",
        "http://",
        "http://h\x00st/",
    ],
)
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(GritError, match=r"^config: judge\.base_url[^\n]*$"):
        ServiceJudge(service(address))


def test_no_part_of_a_key_is_left_where_a_message_is_cut(
    chat: ChatService,
    judge_of: JudgeOf,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever stands before it, so that every cut goes through it at some time."""
    key = "Q" + "9x7w/" * 8
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for written in (key, quote(key, safe=""), repr(key)):
        for before in (*range(60, 84, 4), *range(252, 300, 6)):
            said = "-" * before + written
            chat.plays = [fails(400, message=said), says(said), says(None, refusal=said)]
            judge = judge_of(in_flight=1, attempts=1)
            with caplog.at_level(logging.WARNING):
                judge.score([QUERY._replace(prediction=str(n)) for n in range(3)])
            chat.plays = [fails(401, message=said)]
            assert judge.score([QUERY]) == [None]
            caplog.records.append(logging.makeLogRecord({"msg": judge.trouble}))
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert "***" in lines
    parts = [form[i : i + 8] for form in (key, quote(key, safe="")) for i in range(len(form) - 7)]
    assert [part for part in parts if part in lines] == []
    assert "Q9x7" not in lines
