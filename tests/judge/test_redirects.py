"""Who answers in a judge's place: nobody whom the configuration does not name."""

from collections.abc import Callable, Iterator

import httpx2
import pytest
from chat_service import ChatService, redirects, says

from grit.core.errors import GritError
from grit.judge.judge import Query
from grit.judge.service import ServiceJudge
from grit.judge.transport import _same_server

JudgeOf = Callable[..., ServiceJudge]
QUERY = Query("Is the cat left?", "yes", "Yes.")
STATUSES = [301, 302, 303, 307, 308]


@pytest.fixture
def other() -> Iterator[ChatService]:
    """Another service, on another port of this machine; it finds everything right."""
    service = ChatService()
    yield service
    service.close()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("asked_first", [False, True])
def test_another_server_is_not_believed(
    chat: ChatService, other: ChatService, judge_of: JudgeOf, status: int, asked_first: bool
) -> None:
    chat.default = redirects(f"{other.url}/v1/chat/completions", status)
    judge = judge_of(in_flight=1, ask_first=asked_first)
    if asked_first:
        with pytest.raises(GritError) as caught:
            judge.probe()
        said = str(caught.value)
    else:
        assert judge.score([QUERY, QUERY._replace(prediction="no")]) == [None, None]
        said = str(judge.trouble)
    assert f"another server, {other.url}, which is not asked: set judge.base_url" in said
    assert "\n" not in said
    assert (len(chat.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}/v1",
        "https://127.0.0.1:{port}/v1",
        "//localhost:{port}/v1",
        "ftp://127.0.0.1:{port}/v1",
        "nonsense://x/",
        "http://127.0.0.1:99999999/",
    ],
)
def test_nor_is_another_name_port_or_scheme(
    chat: ChatService, judge_of: JudgeOf, address: str
) -> None:
    chat.default = redirects(address.format(port=chat.url.rpartition(":")[2]))
    judge = judge_of()
    assert judge.score([QUERY]) == [None]
    assert "set judge.base_url to that one" in str(judge.trouble)
    assert len(chat.requests) == 1


def test_an_address_with_a_password_is_not_shown(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = redirects("http://name:password@elsewhere/v1")
    judge = judge_of()
    judge.score([QUERY])
    assert "elsewhere" in str(judge.trouble)
    assert "password" not in str(judge.trouble)


@pytest.mark.parametrize("address", ["/v2/chat", "{url}/v2/chat"])
def test_another_path_of_the_same_server_is(
    chat: ChatService, judge_of: JudgeOf, address: str
) -> None:
    chat.plays = [redirects(address.format(url=chat.url)), says("{score: 0.5}")]
    assert judge_of().score([QUERY]) == [0.5]
    first, second = chat.requests
    assert second == first._replace(path="/v2/chat")  # its key and question too


def test_a_redirect_to_itself_ends(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = redirects("")
    judge = judge_of(attempts=2)
    assert judge.score([QUERY]) == [None]
    assert len(chat.requests) == 12  # of each call six
    assert judge.trouble is None


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("http://host/v1", "http://host:80/v2", True),
        ("https://host/v1", "https://HOST:443/v2", True),
        ("http://host:8000/v1", "http://host:8000/", True),
        ("http://host/v1", "https://host/v1", True),  # from plain to secured
        ("https://host/v1", "http://host/v1", False),
        ("http://host:8000/v1", "https://host:8000/v1", False),
        ("http://host/v1", "https://host:8443/v1", False),
        ("https://host/v1", "https://host.evil.example/v1", False),
        ("https://host/v1", "https://host:8000/v1", False),
    ],
)
def test_what_is_the_same_server(address: str, other: str, same: bool) -> None:
    assert _same_server(httpx2.URL(address), httpx2.URL(other)) is same
