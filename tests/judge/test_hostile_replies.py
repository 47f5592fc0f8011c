"""Replies that no judge gives, from a real server: each ends unjudged, and none takes long."""

import gzip
import json
import logging
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from chat_service import ChatService, completion, fails, floods, says, sends

from grit.judge.faults import Action, fault_of
from grit.judge.judge import Query
from grit.judge.reply import MOST_TOKENS
from grit.judge.service import Question, ServiceJudge
from grit.judge.settings import PriceSettings

JudgeOf = Callable[..., ServiceJudge]
QUERY = Query("Is the cat left?", "yes", "Yes.")
GOOD = completion("{score: 1}")
DEEP = "[" * 100_000


def with_usage(**usage: Any) -> dict[str, Any]:
    return GOOD | {"usage": usage}


def raw(text: str) -> bytes:
    """A good completion with ``text`` as one more member."""
    return json.dumps(GOOD)[:-1].encode() + f', "more": {text}}}'.encode()


NESTED = "[" * 900 + "]" * 900  # about as deep as JSON is read
REPLIES = {
    "invalid UTF-8": sends(200, b'{"id": "\xff\xfe"}'),
    "UTF-16": sends(200, json.dumps(GOOD).encode("utf-16")[:-1]),
    "an integer of 5,000 digits": sends(200, raw("1" * 5000)),
    "deep nesting": sends(200, DEEP),
    "deep nesting that ends": sends(200, raw(DEEP + "]" * len(DEEP))),
    "an error of 900 lists": sends(500, f'{{"error": {{"code": {NESTED}}}}}'),
    "an error that is no object": sends(500, '{"error": [[1]]}'),
    "Retry-After of the year 9999999": fails(429, Retry_After="Mon, 01 Jan 9999999 00:00:00 GMT"),
    "a later one": fails(429, Retry_After="Mon, 01 Jan 99999999999 00:00:00 GMT"),
    "Retry-After of 400 digits": fails(503, Retry_After="-" + "9" * 400),
    "Retry-After that is no number": fails(503, Retry_After="nan"),
    "a charset that is none": sends(500, b"\xff", "text/html; charset=nonsense"),
    "a port that is none": sends(307, "", Location="http://127.0.0.1:port/v1"),
    "half of an address": sends(307, "", Location="http://[::1"),
    "choices of numbers": sends(200, GOOD | {"choices": [7]}),
    "a message that is a text": sends(200, GOOD | {"choices": [{"message": "{score: 1}"}]}),
    "a text that is a list": says(["{score: 1}"]),
    "a refusal that is a number": says(None, refusal=1),
    "400,000 choices": sends(200, b'{"choices": [' + b"{}," * 400_000 + b"{}]}"),
    "more bytes than a reply has": sends(200, raw('"' + "x" * 2**20 + '"')),
    "spaces after score:": says("score:" + " " * 32_000),
    "as many as are read": says("score:" + " " * 19_990),
    "spaces and stars": says("score" + " *" * 9_000),
    "many scores and no number": says("score: " * 2_800),
    "digits and a letter": says("score: " + "1" * 19_000 + "x"),
    "a score and a slash": says("score: 1" + " " * 9_000 + "/" + " " * 9_000 + "x"),
    "objects that do not end": says('{"score": 1, "x' * 1_300),
    "a score deep in an object": says('{"score": 1, "x": ' + "[" * 19_000),
}
ENDLESS = {
    "a gzip bomb": sends(200, gzip.compress(b" " * 2**28, 9), Content_Encoding="gzip"),
    "a flood": floods,
}


@pytest.mark.parametrize("name", [*REPLIES, *ENDLESS])
def test_it_is_asked_again_and_then_unjudged(
    chat: ChatService, judge_of: JudgeOf, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    play = (REPLIES | ENDLESS)[name]
    chat.plays = [play, play, play, says("{score: 0.5}")]
    judge = judge_of(in_flight=1)
    start = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        assert judge.score([QUERY, QUERY._replace(prediction="no")]) == [None, 0.5]
    assert time.perf_counter() - start < 10
    assert len(chat.requests) == 4
    assert judge.trouble is None
    (record,) = caplog.records
    assert len(record.getMessage()) < 500
    assert "\n" not in record.getMessage()


def test_a_bomb_takes_no_memory(chat: ChatService, judge_of: JudgeOf) -> None:
    """A quarter of a gigabyte each, if they were unpacked."""
    chat.default = ENDLESS["a gzip bomb"]
    judge = judge_of(in_flight=3, attempts=1)
    tracemalloc.start()
    try:
        scores = judge.score([QUERY._replace(prediction=str(n)) for n in range(3)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scores == [None] * 3
    assert peak < 50 * 2**20
    assert {request.headers["accept-encoding"] for request in chat.requests} == {"identity"}


def test_a_flood_is_left_when_it_is_known_for_one(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = floods
    assert judge_of(attempts=1).score([QUERY]) == [None]
    assert chat.flooded < 30  # what was under way


def test_a_long_reply_in_time_is_read(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = says("Let me think. " * 1_300 + "\n{score: 0.5}")
    assert judge_of().score([QUERY]) == [0.5]


@pytest.mark.parametrize(
    "count",
    [-1, True, 1.5, 1e3, "7", None, MOST_TOKENS + 1, 10**400, [1]],
    ids=lambda count: str(count)[:12],
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_a_count_of_tokens_that_is_none_counts_nothing(
    chat: ChatService, judge_of: JudgeOf, name: str, count: Any
) -> None:
    """The score stands; what it cost is not known, for a part of it is not."""
    chat.plays = [
        sends(200, with_usage(**{"prompt_tokens": 5, "completion_tokens": 5, name: count}))
    ]
    judge = judge_of(prices={"m": PriceSettings(input=1.0, output=1.0)}, in_flight=1)
    assert judge.score([QUERY, QUERY._replace(prediction="no")]) == [1.0, 1.0]
    used = judge.take_usage()
    assert (used.prompt_tokens, used.completion_tokens, used.cost) == (100, 10, None)
    json.dumps(used.summary(), allow_nan=False)


@pytest.mark.parametrize("usage", ["1e400", "NaN", "-Infinity", "[]", '"much"'])
def test_usage_that_is_none_at_all(chat: ChatService, judge_of: JudgeOf, usage: str) -> None:
    for text in (usage, f'{{"prompt_tokens": {usage}, "completion_tokens": {usage}}}'):
        chat.plays = [sends(200, json.dumps(GOOD)[:-1] + f', "usage": {text}}}')]
        judge = judge_of(prices={"m": PriceSettings(input=1.0, output=1.0)})
        assert judge.score([QUERY._replace(prediction=text)]) == [1.0]
        used = judge.take_usage()
        assert (used.prompt_tokens, used.completion_tokens, used.cost) == (0, 0, None)


@pytest.mark.parametrize("letter", ["\x1b", "\ud800", "\x00", "\u202e", "\x85"])
def test_nothing_unprintable_reaches_the_log(
    chat: ChatService, judge_of: JudgeOf, letter: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = f"no{letter}[2J"
    for play in (fails(400, message=said), says(said), says(None, refusal=said)):
        chat.default = play
        with caplog.at_level(logging.WARNING):
            assert judge_of(attempts=1).score([QUERY]) == [None]
    assert len(caplog.records) == 3
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_an_error_that_cannot_even_be_shown_is_a_fault_too() -> None:
    class Unshowable(Exception):
        def __str__(self) -> str:
            raise RecursionError

    fault = fault_of(Unshowable())
    assert fault.action is Action.retry
    assert "Unshowable" in fault.reason


def test_a_mistake_of_ours_is_not_taken_for_the_service_s(
    chat: ChatService, judge_of: JudgeOf
) -> None:
    def fault(*_: Any) -> Any:
        raise ZeroDivisionError

    for question in (Question("1", fault, float), Question("2", lambda: "?", fault)):
        with pytest.raises(ExceptionGroup) as caught:
            judge_of().answers([question])
        assert caught.group_contains(ZeroDivisionError)
